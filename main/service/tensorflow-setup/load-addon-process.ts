/** Loads an addon and prints the version that its library gives. Argument: path of the addon. */
import { createRequire } from 'node:module';
import { z } from 'zod';

const addonSchema = z.object({ TF_Version: z.string() });
const load = createRequire(import.meta.url);
const addon: unknown = load(process.argv[2] ?? '');
process.stdout.write(addonSchema.parse(addon).TF_Version);

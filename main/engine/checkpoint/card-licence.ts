import { parse } from 'yaml';
import { z } from 'zod';
import type { CompanionFiles } from './checkpoint.ts';
import { MODEL_CARD_FILE, companionText } from './companion-files.ts';

/** A model's licence as the front matter of its card has it. */
export interface Licence {
  /** At least one, as hubs spell them: `apache-2.0`; `other` has a name of its own. */
  readonly ids: readonly string[];
  readonly name: string | undefined;
  readonly link: string | undefined;
}

/** Other keys are none of ours, and a value of another kind says nothing. */
const frontSchema = z.object({
  license: z
    .union([z.string().min(1), z.array(z.string()).min(1)])
    .transform((value) => (typeof value === 'string' ? [value] : value)),
  license_name: z.string().optional().catch(undefined),
  license_link: z.string().optional().catch(undefined),
});

/** Undefined where the card names none, or cannot be read. */
export async function cardLicence(companions: CompanionFiles): Promise<Licence | undefined> {
  const text = (await companionText(companions, MODEL_CARD_FILE)) ?? '';
  const front = frontSchema.safeParse(frontMatter(text));
  if (!front.success) return undefined;
  const { license: ids, license_name: name, license_link: link } = front.data;
  return { ids, name, link };
}

function frontMatter(text: string): unknown {
  const front = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  try {
    return parse(front);
  } catch {
    return undefined;
  }
}

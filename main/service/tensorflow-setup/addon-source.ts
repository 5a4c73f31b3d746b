/** Where the addon, which is what connects Node with TensorFlow, comes from on this machine. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { exists } from '../folder-contents.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import type { AddonParts } from './addon-recipe.ts';
import { findCompiler } from './build-addon.ts';
import { outsideOfArchive, type SetupPlace } from './place.ts';
import type { Machine } from './pinned-wheels.ts';

/** The only one that is used: its JavaScript side and the addon belong together. */
export const TFJS_VERSION = '4.22.0';
export const TFJS_PACKAGE = '@tensorflow/tfjs-node-gpu';
/** Declarations of Node-API, which stay the same from one Node to the next. */
const HEADERS_PACKAGE = 'node-api-headers';

const manifestSchema = z.object({ version: z.string() });

/** An addon to copy, or what is needed to build one. */
export type AddonSource =
  | { readonly origin: 'shipped'; readonly file: string }
  | ({ readonly origin: 'built'; readonly compiler: string } & OwnParts);

/** What of an addon is the program's own, and does not come with TensorFlow. */
type OwnParts = Omit<AddonParts, 'tensorflow'>;

/**
 * The addon that comes with the program, else what builds one here.
 *
 * @throws ClaqError setup/package-missing, setup/compiler-missing, run/cancelled
 */
export async function findAddonSource(
  place: SetupPlace,
  machine: Machine,
  signal: AbortSignal | undefined,
): Promise<AddonSource> {
  const file = shippedAddon(place, machine);
  if (await exists(file)) return { origin: 'shipped', file };
  const parts = await ownParts();
  return { origin: 'built', compiler: await findCompiler({ env: place.env, signal }), ...parts };
}

/** Where an addon lies that comes with the program, if one does. */
export function shippedAddon({ shippedAddons }: SetupPlace, { platform, arch }: Machine): string {
  return join(shippedAddons, `${platform}-${arch}`, 'tfjs_binding.node');
}

/** @throws ClaqError setup/package-missing */
export async function ownParts(): Promise<OwnParts> {
  const tfjs = await packageFolder(TFJS_PACKAGE, TFJS_VERSION);
  const headers = await packageFolder(HEADERS_PACKAGE);
  return { sources: join(tfjs, 'binding'), nodeHeaders: join(headers, 'include') };
}

/** Version of an npm package of the program; undefined where it is not installed. */
export async function packageVersion(name: string): Promise<string | undefined> {
  const manifest = manifestPath(name);
  return manifest === undefined
    ? undefined
    : manifestSchema.parse(JSON.parse(await readFile(manifest, 'utf8'))).version;
}

export const REINSTALL_PACKAGES =
  'run `npm ci --ignore-scripts && npm rebuild node` in the folder of the program';

/** @throws ClaqError setup/package-missing */
async function packageFolder(name: string, wantedVersion?: string): Promise<string> {
  const manifest = manifestPath(name);
  const version = await packageVersion(name);
  if (manifest !== undefined && (wantedVersion === undefined || version === wantedVersion))
    return outsideOfArchive(dirname(manifest));
  throw new ClaqError('setup/package-missing', `The npm package ${name} is not installed`, {
    where: 'node_modules',
    expected: wantedVersion === undefined ? name : `${name} ${wantedVersion}`,
    found: version ?? 'no such package; it is optional, and npm leaves it out where it cannot be fetched',
    remedy: `${REINSTALL_PACKAGES}, then the set-up again`,
  });
}

function manifestPath(name: string): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`${name}/package.json`);
  } catch (error) {
    if (systemErrorCode(error) === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * What an addon is made of, as one hash, which stands in the addon: whether a file is what a build would make is told by
 * looking at it.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../../shared/system-error.ts';

/** The newest Node-API that the sources were written for; every Node since 12 has it. */
const NODE_API_VERSION = 8;
export const COMPILE_FLAGS = [
  '-c',
  '-O2',
  '-fPIC',
  '-pthread',
  '-std=c++17',
  '-w',
  `-DNAPI_VERSION=${NODE_API_VERSION}`,
  // All that the sources would need of a C++ library newer than that of GCC 5. The one error is a kind of the other.
  '-D__throw_bad_array_new_length=__throw_bad_alloc',
] as const;
/** The addon finds TensorFlow's libraries beside itself, wherever its folder lies. */
export const RUN_PATH = '-Wl,-rpath,$ORIGIN/../../deps/lib';

export interface AddonParts {
  /** Folder with the addon's C++ sources. */
  readonly sources: string;
  /** Folder with the declarations of Node-API. */
  readonly nodeHeaders: string;
  /** Version of the TensorFlow whose headers and libraries it is built with. */
  readonly tensorflow: string;
}

/** SHA-256 in hexadecimal of all that decides what a build makes, but for the compiler. */
export async function addonRecipe({ sources, nodeHeaders, tensorflow }: AddonParts): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([tensorflow, COMPILE_FLAGS, RUN_PATH]));
  for (const folder of [sources, nodeHeaders]) {
    for (const name of (await readdir(folder)).toSorted()) {
      hash.update(`\0${name}\0`).update(await readFile(join(folder, name)));
    }
  }
  return hash.digest('hex');
}

/** The linker writes it into a note of the library, where other programs have a hash of their own. */
export function recipeFlag(recipe: string): string {
  return `-Wl,--build-id=0x${recipe}`;
}

/** False for another file, and where there is none. */
export async function isMadeBy(recipe: string, addon: string): Promise<boolean> {
  try {
    return (await readFile(addon)).includes(Buffer.from(recipe, 'hex'));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

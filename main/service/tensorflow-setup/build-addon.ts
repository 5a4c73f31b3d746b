/**
 * Builds the addon of tfjs-node-gpu: two C++ files against TensorFlow's C interface and Node-API. That is two calls of the
 * compiler and one of the linker, so the compiler is called directly; node-gyp would want make, Python and Node's own headers.
 */
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { ADDON_FILE, LIBRARIES_FOLDER } from '../../engine/tensors/tensorflow/installation.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { type AddonParts, addonRecipe, COMPILE_FLAGS, recipeFlag, RUN_PATH } from './addon-recipe.ts';
import { lastWords, type ProgramOptions, runProgram } from '../run-program.ts';
import { FRAMEWORK_LIBRARY, INCLUDE_FOLDER, TENSORFLOW_LIBRARY } from './wheel-contents.ts';

const COMPILERS = ['c++', 'g++', 'clang++'] as const;
/** What the compiler makes on the way, and its temporary files; removed after. */
export const OBJECTS_FOLDER = 'objects';
export interface AddonBuild extends AddonParts {
  readonly compiler: string;
  /** A variant's folder, with TensorFlow's libraries and headers in their places. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Name of a C++ compiler: CXX of the environment, else the first that is found on the PATH.
 *
 * @throws ClaqError setup/compiler-missing, run/cancelled
 */
export async function findCompiler(options: ProgramOptions): Promise<string> {
  const named = options.env['CXX'];
  const candidates = named === undefined || named === '' ? COMPILERS : [named];
  for (const compiler of candidates) {
    if (await runs(compiler, options)) return compiler;
  }
  throw new ClaqError(
    'setup/compiler-missing',
    'There is no C++ compiler to build the addon of TensorFlow with',
    {
      where: named === undefined ? 'PATH' : 'CXX',
      expected: candidates.join(' or '),
      found: 'none of them runs',
      remedy:
        'install one (Debian, Ubuntu: sudo apt install build-essential; Fedora: sudo dnf install gcc-c++), ' +
        'then run the set-up again',
    },
  );
}

/**
 * Writes the addon to its place in the variant's folder.
 *
 * @throws ClaqError setup/build-failed, with the compiler's last words; run/cancelled
 */
export async function buildAddon(build: AddonBuild, hooks: RunHooks): Promise<void> {
  const { folder, sources } = build;
  const objects = join(folder, OBJECTS_FOLDER);
  const addon = join(folder, ADDON_FILE);
  await mkdir(objects, { recursive: true });
  await mkdir(dirname(addon), { recursive: true });
  const names = (await readdir(sources)).filter((name) => name.endsWith('.cc')).toSorted();
  const objectOf = (name: string): string => join(objects, `${basename(name, '.cc')}.o`);
  const includes = [`-I${build.nodeHeaders}`, `-I${join(folder, INCLUDE_FOLDER)}`];
  // Its messages name their source files, which lie elsewhere on other machines.
  const flags = [...COMPILE_FLAGS, `-ffile-prefix-map=${sources}=${basename(sources)}`, ...includes];
  const linked = [RUN_PATH, recipeFlag(await addonRecipe(build))];
  const libraries = [TENSORFLOW_LIBRARY, FRAMEWORK_LIBRARY].map((name) =>
    join(folder, LIBRARIES_FOLDER, name),
  );
  const steps = [
    ...names.map((name) => [...flags, join(sources, name), '-o', objectOf(name)]),
    ['-shared', '-pthread', ...names.map(objectOf), ...libraries, ...linked, '-o', addon],
  ];
  for (const [done, args] of steps.entries()) {
    hooks.onProgress?.({ phase: 'Building the addon', done, total: steps.length, unit: 'steps' });
    await compile(build, args, objects, hooks.signal);
  }
  hooks.onProgress?.({ phase: 'Building the addon', done: steps.length, total: steps.length, unit: 'steps' });
}

async function compile(
  { compiler, env }: AddonBuild,
  args: readonly string[],
  temporary: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = await runProgram(compiler, args, { env: { ...env, TMPDIR: temporary }, signal });
  if (end.code === 0) return;
  throw new ClaqError('setup/build-failed', 'The addon of TensorFlow could not be built', {
    where: `${compiler} ${args.join(' ')}`,
    found: lastWords(end, 6),
    remedy: 'use a C++17 compiler with its standard library (GCC 9 or newer; CXX names another one)',
  });
}

async function runs(compiler: string, options: ProgramOptions): Promise<boolean> {
  try {
    return (await runProgram(compiler, ['--version'], options)).code === 0;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'EACCES') return false;
    throw error;
  }
}

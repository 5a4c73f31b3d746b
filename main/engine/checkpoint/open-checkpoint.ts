/** Opens whatever holds a model: a Hugging Face folder, a folder that this program packed, or a GGUF file. */
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Checkpoint } from './checkpoint.ts';
import { CONFIG_FILE } from './companion-files.ts';
import { openFolder } from './folder-checkpoint.ts';
import { isPacked } from '../packed-model/packed-config.ts';
import { findWeights, readConfigText } from './model-folder.ts';

export const GGUF_SUFFIX = '.gguf';
const LATER_PART = /-(?!0*1-of-)\d+-of-\d+\.gguf$/;

/**
 * Opens a model for reading; the caller closes it. Everything that the model needs is checked to be there, no weights are read.
 * @param path a folder, or a GGUF file
 * @throws ClaqError model/*, weights/missing-file, weights/missing-tensor, weights/wrong-shape, weights/unsupported-dtype,
 * weights/pickled, weights/lfs-pointer or weights/malformed.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const absolute = resolve(path);
  const file = await ggufFile(absolute);
  if (file !== undefined) return await (await import('./gguf/open-gguf.ts')).openGguf(file);
  if (isPacked(await readConfigText(absolute)))
    return await (await import('../packed-model/open-packed.ts')).openPacked(absolute);
  return await openFolder(absolute);
}

/**
 * The files that hold a model's weights, without opening them: absolute paths.
 * @throws ClaqError weights/pickled, weights/missing-file, weights/malformed
 */
export async function weightFiles(path: string): Promise<string[]> {
  const absolute = resolve(path);
  const file = await ggufFile(absolute);
  if (file !== undefined) return [file];
  const { shards } = await findWeights(absolute);
  return shards.map((shard) => join(absolute, shard));
}

/** The GGUF file that a path means: itself, or the only one in a folder that is no other model. */
export async function ggufFile(path: string): Promise<string | undefined> {
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (isFile) return path.endsWith(GGUF_SUFFIX) ? path : undefined;
  const names = await readdir(path).catch((): string[] => []);
  if (names.includes(CONFIG_FILE)) return undefined;
  // Of a model in parts the first one means all of them.
  const [only, ...others] = names.filter((name) => name.endsWith(GGUF_SUFFIX) && !LATER_PART.test(name));
  return only === undefined || others.length > 0 ? undefined : join(path, only);
}

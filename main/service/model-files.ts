import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { ClaqError } from '../../shared/errors.ts';
import type { RunHooks } from '../../shared/requests.ts';
import type { MatrixRecord } from '../../shared/run-record.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { hashFile } from '../engine/checkpoint/file-hash.ts';

/** SHA-256 of the files that a result depends on: config, tokenizer, weights. Throws ClaqError run/cancelled. */
export async function hashModelFiles(
  checkpoint: Checkpoint,
  hooks: RunHooks,
): Promise<Record<string, string>> {
  const { folder, sourceFiles } = checkpoint;
  return Object.fromEntries(await hashFiles(folder, sourceFiles, 'Reading the model', hooks));
}

/** SHA-256 of files of a folder, by name. Throws ClaqError run/cancelled. */
async function hashFiles(
  folder: string,
  names: readonly string[],
  phase: string,
  hooks: RunHooks,
): Promise<Map<string, string>> {
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const hashes = new Map<string, string>();
  let done = 0;
  for (const name of names) {
    throwIfCancelled(hooks.signal);
    const hash = await hashFile(join(folder, name), (bytes) => {
      throwIfCancelled(hooks.signal);
      done += bytes;
      hooks.onProgress?.({ phase, done, total, unit: 'bytes', detail: name });
    });
    hashes.set(name, hash);
  }
  return hashes;
}

/**
 * Requires that a run's matrices are those that it wrote: a flipped bit in codes gives weights that no other check tells from right
 * ones. Throws ClaqError result/malformed, naming the file; run/cancelled.
 */
export async function requireWrittenMatrices(
  folder: string,
  matrices: readonly Pick<MatrixRecord, 'file' | 'sha256'>[],
  hooks: RunHooks,
): Promise<void> {
  const missing = matrices.find(({ file }) => !existsSync(join(folder, file)));
  if (missing !== undefined) throw notAsWritten(folder, missing, 'no such file');
  const files = matrices.map(({ file }) => file);
  const now = await hashFiles(folder, files, 'Reading the run', hooks);
  for (const matrix of matrices) {
    const found = now.get(matrix.file);
    if (found !== matrix.sha256) throw notAsWritten(folder, matrix, `sha256 ${String(found)}`);
  }
}

function notAsWritten(
  folder: string,
  { file, sha256 }: Pick<MatrixRecord, 'file' | 'sha256'>,
  found: string,
): ClaqError {
  return new ClaqError('result/malformed', 'A file of the run is not as it was written', {
    where: join(folder, file),
    expected: `sha256 ${sha256}`,
    found,
    remedy: 'put the file back from a copy, or quantize the model again',
  });
}

/**
 * A run holds the quantized matrices only; the rest of the model comes from its source, which must still be the same.
 * Throws ClaqError model/changed, naming the file.
 */
export async function requireSameModel(
  recorded: Readonly<Record<string, string>>,
  checkpoint: Checkpoint,
  hooks: RunHooks,
): Promise<void> {
  const now = await hashModelFiles(checkpoint, hooks);
  for (const [name, sha256] of Object.entries(recorded)) {
    if (now[name] === sha256) continue;
    throw new ClaqError('model/changed', 'The model that the run was made from has changed', {
      where: join(checkpoint.folder, name),
      expected: `sha256 ${sha256}`,
      found: now[name] === undefined ? 'no such file among those of the model' : `sha256 ${now[name]}`,
      remedy: 'put the original model back, or quantize the new one',
    });
  }
}

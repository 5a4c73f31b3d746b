import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { throwIfCancelled } from '../../shared/cancellation.ts';
import { ClaqError } from '../../shared/errors.ts';
import type { RunHooks } from '../../shared/requests.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { hashFile } from '../engine/checkpoint/file-hash.ts';

/** SHA-256 of the files that a result depends on: config, tokenizer, weights. Throws ClaqError run/cancelled. */
export async function hashModelFiles(
  checkpoint: Checkpoint,
  hooks: RunHooks,
): Promise<Record<string, string>> {
  const names = checkpoint.sourceFiles;
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(checkpoint.folder, name))).size),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const hashes: Record<string, string> = {};
  let done = 0;
  for (const name of names) {
    throwIfCancelled(hooks.signal);
    hashes[name] = await hashFile(join(checkpoint.folder, name), (bytes) => {
      throwIfCancelled(hooks.signal);
      done += bytes;
      hooks.onProgress?.({ phase: 'Reading the model', done, total, unit: 'bytes', detail: name });
    });
  }
  return hashes;
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

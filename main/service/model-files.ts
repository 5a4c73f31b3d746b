import { createHash } from 'node:crypto';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunHooks } from '../../shared/requests.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { throwIfCancelled } from '../engine/transformer/segment-loop.ts';

/** Read and hashed at a time. */
const PIECE_BYTES = 16 * 2 ** 20;

/** Beside the weights, as far as a model has them. */
const CONFIGS = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

/** SHA-256 of the files that a result depends on: config, tokenizer, weights. Throws ClaqError run/cancelled. */
export async function hashModelFiles(
  checkpoint: Checkpoint,
  hooks: RunHooks,
): Promise<Record<string, string>> {
  const present = new Set(await readdir(checkpoint.folder));
  const configs = CONFIGS.filter((name) => present.has(name));
  const names = [...configs, ...checkpoint.shards.map(({ file }) => file)];
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(checkpoint.folder, name))).size),
  );
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const hashes: Record<string, string> = {};
  let done = 0;
  for (const name of names) {
    const hash = createHash('sha256');
    const file = await open(join(checkpoint.folder, name));
    try {
      const piece = new Uint8Array(PIECE_BYTES);
      for (;;) {
        throwIfCancelled(hooks.signal);
        const { bytesRead } = await file.read(piece);
        if (bytesRead === 0) break;
        hash.update(piece.subarray(0, bytesRead));
        done += bytesRead;
        hooks.onProgress?.({ phase: 'Reading the model', done, total, unit: 'bytes', detail: name });
      }
    } finally {
      await file.close();
    }
    hashes[name] = hash.digest('hex');
  }
  return hashes;
}

/** Which safetensors files an export has: those of its source, so that a resumed download or a diff meets the same names. */
import type { Checkpoint, Shard } from '../checkpoint/checkpoint.ts';

export type ExportShard = Shard;

const SINGLE = 'model.safetensors';

/** The source's shards; of a source of another format (GGUF), as many under the names that transformers gives. */
export function exportShards({ shards }: Pick<Checkpoint, 'shards'>): readonly ExportShard[] {
  if (shards.every(({ file }) => file.endsWith('.safetensors'))) return shards;
  const [only, ...others] = shards;
  if (only !== undefined && others.length === 0) return [{ ...only, file: SINGLE }];
  const digits = (number: number): string => String(number).padStart(5, '0');
  return shards.map(({ names }, index) => ({
    file: `model-${digits(index + 1)}-of-${digits(shards.length)}.safetensors`,
    names,
  }));
}

/** Whether an index names the shards. */
export function isSharded({ shards, sharded }: Pick<Checkpoint, 'shards' | 'sharded'>): boolean {
  return sharded || shards.length > 1;
}

/** config.json of a dense export with the right dtype, and the index of the shards. */
import type { Checkpoint, Shard } from '../checkpoint/checkpoint.ts';
import { exactEntries, jsonText } from '../checkpoint/exact-json.ts';
import { bytesPerElement, elementCount } from '../checkpoint/safetensors-dtype.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { targetDtype } from './dense-tensors.ts';
import type { DenseDtype } from './dense-tensors.ts';

/** What torch and transformers call the dtypes. */
export const TORCH_NAMES: Readonly<Record<FloatDtype, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/**
 * The source's config.json without `quantization_config` and with the dtype of most of the exported bytes, under the key that
 * it used (torch_dtype before transformers 5, dtype since). Numbers keep their spelling: 10000.0 stays a float to Python.
 */
export function denseConfig(source: string, checkpoint: Checkpoint, dtype: DenseDtype): string {
  const options = new Map(exactEntries(source));
  options.delete('quantization_config');
  const keys = ['dtype', 'torch_dtype'].filter((key) => options.has(key));
  for (const key of keys.length === 0 ? ['torch_dtype'] : keys)
    options.set(key, TORCH_NAMES[mostBytesDtype(checkpoint, dtype)]);
  return jsonText(options);
}

/** model.safetensors.index.json: which shard holds which tensor, and the bytes of all tensors together. */
export function shardIndex(shards: readonly Shard[], totalSize: number): string {
  const places = shards.flatMap(({ file, names }) => names.map((name): [string, string] => [name, file]));
  const weightMap = Object.fromEntries(places.sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ metadata: { total_size: totalSize }, weight_map: weightMap }, undefined, 2)}\n`;
}

function mostBytesDtype(checkpoint: Checkpoint, dtype: DenseDtype): FloatDtype {
  const bytes = { F32: 0, F16: 0, BF16: 0 };
  for (const entry of checkpoint.tensors.values()) {
    const target = targetDtype(entry, dtype);
    bytes[target] += (elementCount(entry.shape) ?? 0) * bytesPerElement(target);
  }
  const { F32, F16, BF16 } = bytes;
  if (BF16 > F16 && BF16 > F32) return 'BF16';
  return F16 > F32 ? 'F16' : 'F32';
}

/** Model folders of a few kilobytes, written with the project's own writer, that tests change in one place to see what happens. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../../main/engine/checkpoint/config.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { requiredTensors } from '../../../main/engine/checkpoint/required-tensors.ts';
import type { FloatDtype, StoredDtype } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { writeSafetensors } from '../../../main/engine/checkpoint/safetensors-writer.ts';

export const SMALL_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 11,
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  max_position_embeddings: 64,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
  tie_word_embeddings: false,
  torch_dtype: 'float16',
};

export interface SmallTensor {
  name: string;
  dtype: StoredDtype;
  shape: readonly number[];
  bytes: Uint8Array;
}

/** The values of a small model's tensor: halves exactly, all different from tensor to tensor. */
export function smallValues(index: number, count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((((i + 1) * (2 * index + 3)) % 61) - 30) / 32);
}

/** All tensors that the config asks for, in the order of their names, as PyTorch's exports have them. */
export function smallTensors(config: object, dtype: FloatDtype): SmallTensor[] {
  const shapes = requiredTensors(parseConfig(JSON.stringify(config), 'config.json'));
  return [...shapes].sort(byName).map(([name, shape], index) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return { name, dtype, shape, bytes: encodeFloats(dtype, smallValues(index, count)) };
  });
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

export async function writeTensors(path: string, tensors: readonly SmallTensor[]): Promise<void> {
  await writeSafetensors(
    path,
    tensors.map(({ bytes, ...tensor }) => ({ ...tensor, pieces: () => [bytes] })),
    { metadata: new Map([['format', 'pt']]) },
  );
}

export interface SmallModel {
  readonly config?: object;
  readonly dtype?: FloatDtype;
  /** Number of files; with 0 there is one model.safetensors and no index. */
  readonly shards?: number;
  /** Changes the tensors before they are written. */
  readonly change?: (tensors: SmallTensor[]) => SmallTensor[];
}

/** Writes config.json and the weights into `folder`. */
export async function writeSmallModel(
  folder: string,
  { config = SMALL_CONFIG, dtype = 'F16', shards = 0, change = (tensors) => tensors }: SmallModel = {},
): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const tensors = change(smallTensors(config, dtype));
  if (shards === 0) {
    await writeTensors(join(folder, 'model.safetensors'), tensors);
    return folder;
  }
  const weightMap = new Map<string, string>();
  const perShard = Math.ceil(tensors.length / shards);
  for (let shard = 0; shard < shards; shard++) {
    const file = shardName(shard, shards);
    const part = tensors.slice(shard * perShard, (shard + 1) * perShard);
    await writeTensors(join(folder, file), part);
    for (const { name } of part) weightMap.set(name, file);
  }
  const totalSize = tensors.reduce((sum, { bytes }) => sum + bytes.length, 0);
  await writeIndex(folder, Object.fromEntries(weightMap), totalSize);
  return folder;
}

export function shardName(shard: number, shards: number): string {
  return `model-${String(shard + 1).padStart(5, '0')}-of-${String(shards).padStart(5, '0')}.safetensors`;
}

export async function writeIndex(folder: string, weightMap: object, totalSize = 0): Promise<void> {
  const index = { metadata: { total_size: totalSize }, weight_map: weightMap };
  await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify(index));
}

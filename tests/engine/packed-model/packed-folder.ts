import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { bytesPerElement } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { type PackedExport, packedFormat } from '../../../main/engine/packed-model/packed-format.ts';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { Random } from '../../oracle/random.ts';
import { type SmallTensor, SMALL_CONFIG, writeSmallModel } from '../checkpoint/small-model.ts';
import { quickRun, randomQuickMatrix } from './quick-run.ts';

/** Writes a packed model without the check behind it. */
export async function writePacked(request: PackedExport, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const format = await packedFormat(request);
  for (const file of format.files) await file.write(folder, () => undefined);
  await format.writeSmallFiles(folder);
}

const DTYPES = [
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['F32', 'float32'],
] as const;

/** A model of random shape, in one file or several, some of its matrices quantized in some way. The caller closes the checkpoint. */
export async function randomExport(seed: number, work: string): Promise<PackedExport> {
  const random = new Random(seed);
  const heads = random.between(1, 3);
  const headDim = 2 * random.between(1, 5);
  const [dtype, torch_dtype] = DTYPES[random.between(0, 2)] ?? DTYPES[0];
  const config = {
    ...SMALL_CONFIG,
    torch_dtype,
    hidden_size: heads * headDim,
    head_dim: headDim,
    intermediate_size: random.between(1, 40),
    num_attention_heads: heads,
    num_key_value_heads: random.between(0, 1) === 0 ? 1 : heads,
    num_hidden_layers: random.between(1, 2),
    vocab_size: random.between(1, 30),
    attention_bias: random.between(0, 2) === 0,
    tie_word_embeddings: random.between(0, 1) === 0,
  };
  const extras: SmallTensor[] = [
    {
      name: 'model.rotary_emb.inv_freq',
      dtype: 'F32',
      shape: [3],
      bytes: encodeFloats('F32', Float32Array.of(1, 2, 3)),
    },
    { name: 'steps', dtype: 'I64', shape: [], bytes: new Uint8Array(8).fill(7) },
    { name: 'nothing', dtype: 'U8', shape: [0], bytes: new Uint8Array() },
  ];
  const change = (tensors: SmallTensor[]): SmallTensor[] => [
    ...tensors,
    ...extras.slice(0, random.between(0, extras.length)),
  ];
  const model = await writeSmallModel(join(work, 'model'), {
    config,
    dtype,
    shards: random.between(0, 3),
    change,
  });
  const checkpoint = await openCheckpoint(model);
  return await quickRun(checkpoint, join(work, 'matrices'), (weights, shape) =>
    randomQuickMatrix(random, weights, shape),
  );
}

/** Reads all that a model holds, whatever it is. Throws what the reading throws. */
export async function readEverything(checkpoint: Checkpoint): Promise<void> {
  for (const name of checkpoint.tensors.keys()) await checkpoint.read(name);
  for (const { name, dtype, shape } of checkpoint.extras.values()) {
    await checkpoint.readBytes(
      name,
      0,
      bytesPerElement(dtype) * shape.reduce((product, size) => product * size, 1),
    );
  }
}

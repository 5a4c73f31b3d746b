import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { FLOAT_DTYPES } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { uploadMatrix, uploadRows } from '../../../main/engine/tensors/upload.ts';
import { type SmallTensor, writeSmallModel } from '../checkpoint/small-model.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { TEST_ENGINE, startTestBackend } from './test-backend.ts';

beforeAll(startTestBackend);

const NAME = 'model.layers.1.mlp.down_proj.weight';
const [ROWS, COLUMNS] = [8, 12];

/** Every tensor as it is, but for one of halves that only their own dtype can hold. */
function withValues(values: Float32Array): (tensors: SmallTensor[]) => SmallTensor[] {
  return (tensors) =>
    tensors.map((tensor) =>
      tensor.name === NAME
        ? {
            ...tensor,
            bytes: encodeFloats(
              tensor.dtype === 'BF16' ? 'BF16' : tensor.dtype === 'F16' ? 'F16' : 'F32',
              values,
            ),
          }
        : tensor,
    );
}

/** The extremes of half precision among plain values: the largest, the smallest normal and subnormal ones, both zeros. */
const EXTREMES = Float32Array.from({ length: ROWS * COLUMNS }, (_, i) => (i - 40) / 16);
EXTREMES.set([65504, -65504, 2 ** -14, 2 ** -24, -(2 ** -24), -0, 0, 1.5]);

describe.each(FLOAT_DTYPES)('a matrix stored as %s', (dtype) => {
  it('arrives as the very values that the checkpoint reads', async () => {
    const folder = await writeSmallModel(await temporaryFolder(), { dtype, change: withValues(EXTREMES) });
    const checkpoint = await openCheckpoint(folder);
    const read = await checkpoint.read(NAME);
    const tensor = await uploadMatrix(checkpoint, NAME);
    expect(tensor.shape).toEqual([ROWS, COLUMNS]);
    expect([...tensor.dataSync()].every((value, i) => Object.is(value, read[i]))).toBe(true);
    tensor.dispose();
    await checkpoint.close();
  });

  it('arrives in rows', async () => {
    const checkpoint = await openCheckpoint(await writeSmallModel(await temporaryFolder(), { dtype }));
    const tensor = await uploadRows(checkpoint, NAME, 3, 5);
    expect(tensor.shape).toEqual([2, COLUMNS]);
    expect([...tensor.dataSync()]).toEqual([...(await checkpoint.readRows(NAME, 3, 5))]);
    tensor.dispose();
    await checkpoint.close();
  });

  it('leaves nothing behind once it is disposed', async () => {
    const checkpoint = await openCheckpoint(await writeSmallModel(await temporaryFolder(), { dtype }));
    const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;
    const before = held();
    (await uploadMatrix(checkpoint, NAME)).dispose();
    expect(held()).toBe(before);
    await checkpoint.close();
  });

  it.each([Infinity, -Infinity, NaN])('is refused with the place of a %d', async (value) => {
    const values = EXTREMES.slice();
    values[4 * COLUMNS + 7] = value;
    const folder = await writeSmallModel(await temporaryFolder(), { dtype, change: withValues(values) });
    const checkpoint = await openCheckpoint(folder);
    await expect(uploadMatrix(checkpoint, NAME)).rejects.toMatchObject({ code: 'weights/not-finite' });
    await checkpoint.close();
  });
});

it('runs on the engine that it is meant to', () => {
  expect(tensorflowInUse() !== undefined).toBe(TEST_ENGINE !== 'wasm');
});

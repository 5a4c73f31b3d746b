import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { QuantizedMatrix } from '../../../main/engine/claq/quantized-matrix.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { BLOCK } from '../../../main/engine/kernels/layout.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { Random } from '../../oracle/random.ts';
import { TEST_ENGINE, startTestBackend } from '../tensors/test-backend.ts';
import { everyColumn, quantize, quantizeTogether, randomCase, trueLoss } from './loop-case.ts';

let pool: KernelPool;
beforeAll(async () => {
  await startTestBackend();
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;
const STRETCH = 3 * BLOCK;
const ON_DEVICE = { home: 'device', stretch: 3, carryPrecision: 'float32' } as const;
/** As on a processor that multiplies tiles of bfloat16, on any. */
const IN_HALF = { ...ON_DEVICE, carryPrecision: 'bfloat16' } as const;

function shareOfSameCodes(a: QuantizedMatrix, b: QuantizedMatrix): number {
  return a.codes.filter((code, i) => code === b.codes[i]).length / a.codes.length;
}

describe('a column loop whose factor stands on the device', () => {
  it.each([
    ['one stretch, which is not full', 40, STRETCH - 60],
    ['a stretch and a column', 40, STRETCH + 1],
    ['several stretches, rows that do not fill a strip', 61, 2 * STRETCH + 130],
  ])('%s: the loss of the kernels to rounding, and nearly all codes', async (_, rows, columns) => {
    const one = { ...randomCase(new Random(81), rows, columns, 3), plan: everyColumn(columns, 3, 1, 2) };
    const before = held();
    const kernels = await quantize(pool, one);
    const device = await quantize(pool, one, ON_DEVICE);
    expect(held()).toBe(before);
    // A sum in another order flips a code here and there, and what follows it.
    expect(Math.abs(device.loss / kernels.loss - 1)).toBeLessThan(2e-3);
    expect(shareOfSameCodes(device, kernels)).toBeGreaterThan(0.9);
    // Which says something: without the errors of the columns before, other codes come out.
    const uncorrected = await quantize(pool, one, { compensate: false });
    expect(shareOfSameCodes(uncorrected, kernels)).toBeLessThan(0.75);
  });

  it.each([
    ['one stretch, which is not full', STRETCH - 100, 1],
    ['two', STRETCH + 1, 3],
  ])('has room for errors and corrections as they are handed over: of %s', async (_, columns, rooms) => {
    const one = randomCase(new Random(86), 40, columns, 2);
    const allocate = vi.spyOn(pool.arena, 'allocate');
    await quantize(pool, one, ON_DEVICE);
    const asked = allocate.mock.calls.filter(([bytes]) => bytes === 40 * STRETCH * 4);
    allocate.mockRestore();
    expect(asked).toHaveLength(rooms);
  });

  it('leaves columns as they are where errors are not carried on', async () => {
    const one = randomCase(new Random(84), 24, STRETCH + 100, 3);
    const kernels = await quantize(pool, one, { compensate: false });
    const device = await quantize(pool, one, { ...ON_DEVICE, compensate: false });
    expect(device.codes).toEqual(kernels.codes);
  });

  it('quantizes matrices of several heights together as each alone', async () => {
    const random = new Random(82);
    const first = randomCase(random, 33, STRETCH + 60, 2);
    const second = { ...randomCase(random, 70, STRETCH + 60, 2), hessian: first.hessian };
    const together = await quantizeTogether(pool, [first, second], ON_DEVICE);
    const alone = [await quantize(pool, first, ON_DEVICE), await quantize(pool, second, ON_DEVICE)];
    for (const [i, matrix] of together.entries())
      expect(Math.abs(matrix.loss / (alone[i]?.loss ?? NaN) - 1)).toBeLessThan(2e-3);
  });

  it('gives the same bytes on any number of threads', async () => {
    const one = randomCase(new Random(83), 48, 2 * STRETCH + 10, 2);
    const single = await KernelPool.start({ threads: 1 });
    const expected = await quantize(single, one, ON_DEVICE);
    await single.stop();
    expect(await quantize(pool, one, ON_DEVICE)).toEqual(expected);
  });

  describe.runIf(TEST_ENGINE !== 'wasm')('and products are in bfloat16', () => {
    it('has the loss of float32', async () => {
      const columns = 3 * STRETCH + 40;
      const one = { ...randomCase(new Random(85), 61, columns, 3), plan: everyColumn(columns, 3, 1, 2) };
      const before = held();
      const single = await quantize(pool, one, ON_DEVICE);
      const half = await quantize(pool, one, IN_HALF);
      expect(held()).toBe(before);
      // What the loop says of itself, and what its codes lose.
      expect(Math.abs(half.loss / single.loss - 1)).toBeLessThan(2e-3);
      expect(Math.abs(half.loss / trueLoss(one, half) - 1)).toBeLessThan(1e-3);
      expect(half.codes).not.toEqual(single.codes);
    });

    it('gives the same bytes on any number of threads', async () => {
      const one = randomCase(new Random(86), 48, 2 * STRETCH + 10, 2);
      const single = await KernelPool.start({ threads: 1 });
      const expected = await quantize(single, one, IN_HALF);
      await single.stop();
      expect(await quantize(pool, one, IN_HALF)).toEqual(expected);
    });
  });
});

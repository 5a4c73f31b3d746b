import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accumulateHessian } from '../../../main/engine/claq/accumulate-hessian.ts';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { type Matrix, matrixOf, product, transpose } from '../../oracle/linear-algebra.ts';
import { Random, correlatedInputs } from '../../oracle/random.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { hessianCells } from './hessian-cells.ts';

let pool: KernelPool;
beforeAll(async () => {
  await startTestBackend();
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;

/** What was added up, against float64, in shares of the size that its diagonal gives a cell. */
function largestError(hessian: Hessian, segments: readonly Matrix[]): number {
  const { columns } = hessian;
  const expected = new Float64Array(columns * columns);
  for (const inputs of segments) {
    const gram = product(transpose(inputs), inputs);
    for (const [cell, value] of gram.values.entries())
      expected[cell] = (expected[cell] ?? 0) + (2 * value) / segments.length;
  }
  const cell = hessianCells(pool, hessian);
  let largest = 0;
  for (let row = 0; row < columns; row++) {
    for (let column = 0; column <= row; column++) {
      const value = expected[row * columns + column] ?? NaN;
      const size = Math.sqrt(
        (expected[row * columns + row] ?? NaN) * (expected[column * columns + column] ?? NaN),
      );
      largest = Math.max(largest, Math.abs(cell(row, column) - value) / size);
    }
  }
  return largest;
}

describe('accumulateHessian', () => {
  it.each([
    ['one token, one column', 1, [1]],
    ['several segments, a column more than a block', 97, [5, 1, 30]],
    ['a strip that is not full', 203, [64, 64]],
    ['several bands', 1500, [8, 9]],
  ])('%s: (2 / segments) X^T X', async (_, columns, lengths) => {
    const random = new Random(61);
    const segments = lengths.map((tokens) => {
      const { values } = correlatedInputs(random, tokens, columns);
      return matrixOf(tokens, columns, Float32Array.from(values));
    });
    const mark = pool.arena.mark();
    const hessian = new Hessian(pool, columns);
    const before = held();
    const seen: number[] = [];
    await accumulateHessian(hessian, {
      segments: lengths.length,
      input: (segment) => {
        const { rows, values } = segments[segment] ?? expect.fail('no such segment');
        return tf.tensor2d(Float32Array.from(values), [rows, columns]);
      },
      onSegment: (segment) => seen.push(segment),
      signal: undefined,
    });
    expect(largestError(hessian, segments)).toBeLessThan(1e-5);
    expect(seen).toEqual([...lengths.keys()]);
    expect(held()).toBe(before);
    pool.arena.release(mark);
  });

  it('ends between two segments once it is cancelled, and leaves nothing behind', async () => {
    const mark = pool.arena.mark();
    const before = held();
    const abort = new AbortController();
    const work = accumulateHessian(new Hessian(pool, 4), {
      segments: 3,
      input: () => tf.ones<tf.Rank.R2>([2, 4]),
      onSegment: () => abort.abort(),
      signal: abort.signal,
    });
    await expect(work).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(held()).toBe(before);
    pool.arena.release(mark);
  });
});

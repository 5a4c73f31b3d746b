import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { accumulateHessian, emptyHessian } from '../../../main/engine/claq/accumulate-hessian.ts';
import type { DeviceHessian } from '../../../main/engine/claq/device-hessian.ts';
import type { Hessian } from '../../../main/engine/claq/hessian.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { BatchSizes, type TokenRange } from '../../../main/engine/transformer/batch-sizes.ts';
import { type Matrix, matrixOf, product, transpose } from '../../oracle/linear-algebra.ts';
import { Random, correlatedInputs } from '../../oracle/random.ts';
import { TEST_ENGINE, startTestBackend } from '../tensors/test-backend.ts';
import { hessianCells } from './hessian-cells.ts';

let pool: KernelPool;
beforeAll(async () => {
  await startTestBackend();
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;

/** What was added up, against float64, in shares of the size that its diagonal gives a cell. */
function largestError(hessian: Hessian | DeviceHessian, segments: readonly Matrix[]): number {
  const { columns } = hessian;
  const expected = new Float64Array(columns * columns);
  for (const inputs of segments) {
    const gram = product(transpose(inputs), inputs);
    for (const [cell, value] of gram.values.entries())
      expected[cell] = (expected[cell] ?? 0) + (2 * value) / segments.length;
  }
  const cell = cellsOf(hessian);
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

/** H[row][column], row >= column; the sums of one on the device are freed. */
function cellsOf(hessian: Hessian | DeviceHessian): (row: number, column: number) => number {
  if (hessian.home === 'kernels') return hessianCells(pool, hessian);
  const products = hessian.takeProducts();
  const values = products.dataSync<'float32'>();
  products.dispose();
  return (row, column) => (values[row * hessian.columns + column] ?? NaN) * hessian.scale;
}

/** Some rows of a segment's inputs as the layer gets them. */
function inputOf(inputs: Matrix | undefined, rows?: TokenRange): tf.Tensor2D {
  if (inputs === undefined) return expect.fail('no such segment');
  const { columns, values } = inputs;
  const { from, to } = rows ?? { from: 0, to: inputs.rows };
  const part = values.slice(from * columns, to * columns);
  return tf.tensor2d(Float32Array.from(part), [to - from, columns]);
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
    const before = held();
    const hessian = emptyHessian(pool, columns);
    const seen: number[] = [];
    await accumulateHessian(hessian, {
      segments: lengths.length,
      tokens: (segment) => lengths[segment] ?? 0,
      input: (segment, rows) => inputOf(segments[segment], rows),
      sizes: new BatchSizes(64),
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
    const hessian = emptyHessian(pool, 4);
    const work = accumulateHessian(hessian, {
      segments: 3,
      tokens: () => 2,
      input: () => tf.ones<tf.Rank.R2>([2, 4]),
      sizes: new BatchSizes(2),
      onSegment: () => abort.abort(),
      signal: abort.signal,
    });
    await expect(work).rejects.toMatchObject({ code: 'run/cancelled' });
    if (hessian.home === 'device') hessian.dispose();
    expect(held()).toBe(before);
    pool.arena.release(mark);
  });

  if (TEST_ENGINE !== 'wasm') {
    it('adds a segment in smaller batches where memory runs out, what was added before once', async () => {
      const [tokens, columns] = [200, 900];
      const { values } = correlatedInputs(new Random(62), tokens, columns);
      const segment = matrixOf(tokens, columns, Float32Array.from(values));
      const mark = pool.arena.mark();
      const before = held();
      const hessian = emptyHessian(pool, columns);
      // Every other product of more than 70 tokens: one band has got them then, the other has not.
      const backend = tensorflowInUse() ?? expect.fail('TensorFlow is not in use');
      const execute = backend.executeSingleOutput.bind(backend);
      let products = 0;
      vi.spyOn(backend, 'executeSingleOutput').mockImplementation((name, attributes, inputs) => {
        if (/MatMul/.test(name) && (inputs[0]?.shape.at(-1) ?? 0) > 70 && ++products % 2 === 0) {
          throw new Error('OOM when allocating tensor with shape[480,900] and type float');
        }
        return execute(name, attributes, inputs);
      });
      const asked: TokenRange[] = [];
      const sizes = new BatchSizes(tokens);
      await accumulateHessian(hessian, {
        segments: 1,
        tokens: () => tokens,
        input: (_, rows) => {
          if (rows !== undefined) asked.push(rows);
          return inputOf(segment, rows);
        },
        sizes,
        onSegment: () => undefined,
        signal: undefined,
      });
      vi.restoreAllMocks();
      expect(asked.map(({ from, to }) => [from, to])).toEqual([
        [0, 200],
        [0, 100],
        [100, 200],
        [100, 164],
        [164, 200],
      ]);
      expect(largestError(hessian, [segment])).toBeLessThan(1e-5);
      expect(held()).toBe(before);
      pool.arena.release(mark);
    });
  }
});

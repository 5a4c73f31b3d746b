import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { startBackend } from '../../../main/engine/tensors/backend.ts';
import { useKernelsForMatMul } from '../../../main/engine/tensors/wasm-matmul.ts';
import { Random } from '../../oracle/random.ts';
import { largestDifference } from '../transformer/difference.ts';

let pool: KernelPool;
beforeAll(async () => {
  await startBackend();
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

interface Case {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

const CASES: readonly (readonly [name: string, shapes: Case])[] = [
  ['a plain product', { a: [70, 80], b: [80, 90] }],
  ['odd sizes', { a: [129, 67], b: [67, 41] }],
  ['the left operand transposed', { a: [80, 70], b: [80, 90], transposeA: true }],
  ['the right operand transposed', { a: [70, 80], b: [90, 80], transposeB: true }],
  ['both transposed', { a: [83, 71], b: [97, 83], transposeA: true, transposeB: true }],
  ['a batch', { a: [3, 50, 64], b: [3, 64, 90] }],
  ['a batch of batches, transposed', { a: [2, 3, 50, 64], b: [2, 3, 90, 64], transposeB: true }],
  ['a batch that broadcasts', { a: [1, 90, 64], b: [4, 64, 80] }],
  ['a product too small for the threads', { a: [3, 4], b: [4, 5] }],
];

function compute({ a, b, transposeA = false, transposeB = false }: Case): {
  shape: number[];
  values: Float32Array;
} {
  const random = new Random(91);
  const values = (shape: readonly number[]): Float32Array =>
    random.floats(
      shape.reduce((count, size) => count * size, 1),
      () => random.normal(),
    );
  const result = tf.tidy(() =>
    tf.matMul(tf.tensor(values(a), [...a]), tf.tensor(values(b), [...b]), transposeA, transposeB),
  );
  const found = { shape: result.shape, values: result.dataSync<'float32'>().slice() };
  result.dispose();
  return found;
}

describe('useKernelsForMatMul', () => {
  it.each(CASES)('%s: the same product as the stock kernel', (_, shapes) => {
    const stock = compute(shapes);
    const restore = useKernelsForMatMul(pool);
    try {
      const ours = compute(shapes);
      expect(ours.shape).toEqual(stock.shape);
      // Sums of some eighty products in another order.
      expect(largestDifference(ours.values, stock.values)).toBeLessThan(3e-5);
    } finally {
      restore();
    }
  });

  it('leaves no tensors behind, and puts the stock kernel back', () => {
    const stock = tf.getKernel(tf.BatchMatMul, 'wasm');
    const before = tf.memory().numTensors;
    const restore = useKernelsForMatMul(pool);
    expect(tf.getKernel(tf.BatchMatMul, 'wasm')).not.toBe(stock);
    compute({ a: [70, 80], b: [80, 90] });
    restore();
    expect(tf.getKernel(tf.BatchMatMul, 'wasm')).toBe(stock);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('runs large products on the kernel threads', () => {
    const restore = useKernelsForMatMul(pool);
    const before = pool.arena.memory.buffer.byteLength;
    compute({ a: [400, 400], b: [400, 900] });
    restore();
    // Their operands were packed in the threads' memory.
    expect(pool.arena.memory.buffer.byteLength - before).toBeGreaterThan(400 * 900 * 4);
  });
});

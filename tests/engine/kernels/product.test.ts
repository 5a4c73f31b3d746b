import { afterAll, beforeAll, expect, it } from 'vitest';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { type ProductOperand, multiply } from '../../../main/engine/kernels/product.ts';
import { matrixOf, product } from '../../oracle/linear-algebra.ts';
import { Random } from '../../oracle/random.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

/** A matrix as an operand, stored as it is or as its transpose. */
function operand(values: Float32Array, rows: number, columns: number, transposed: boolean): ProductOperand {
  if (!transposed) return { values, rowStride: columns, columnStride: 1 };
  const stored = new Float32Array(values.length);
  for (const [cell, value] of values.entries()) {
    stored[(cell % columns) * rows + Math.floor(cell / columns)] = value;
  }
  return { values: stored, rowStride: 1, columnStride: rows };
}

it.each([
  ['one number', 1, 1, 1],
  ['less than a panel and a strip', 5, 3, 7],
  ['whole panels and strips', 12, 16, 24],
  ['more than one tile each way', 101, 33, 263],
  ['deeper than one pass', 7, 600, 9],
])('%s: as in float64, operands stored either way', (_, m, k, n) => {
  const random = new Random(81);
  const a = random.floats(m * k, () => random.normal());
  const b = random.floats(k * n, () => random.normal());
  const expected = product(matrixOf(m, k, a), matrixOf(k, n, b)).values;
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const found = new Float32Array(m * n);
      const operands = [operand(a, m, k, transposeA), operand(b, k, n, transposeB)] as const;
      const used = pool.arena.used;
      multiply(pool, ...operands, [m, k, n], (result, stride) => {
        for (let row = 0; row < m; row++) found.set(result.subarray(row * stride, row * stride + n), row * n);
      });
      expect(pool.arena.used).toBe(used);
      for (const [cell, value] of found.entries()) {
        const difference = Math.abs(value - (expected[cell] ?? NaN));
        if (!(difference < 1e-6 * Math.sqrt(k) * 10)) throw new Error(`${difference} at ${cell}`);
      }
    }
  }
});

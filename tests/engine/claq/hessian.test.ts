import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { type Matrix, at, matrixOf, product, transpose } from '../../oracle/linear-algebra.ts';
import { Random, correlatedInputs } from '../../oracle/random.ts';
import { hessianCells } from './hessian-cells.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

function gram(inputs: Matrix): Matrix {
  return product(transpose(inputs), inputs);
}

describe('Hessian', () => {
  it.each([
    ['one token, one column', 1, [1]],
    ['several segments, a column more than a block', 97, [5, 1, 30]],
    ['more tokens than one pass takes', 30, [600]],
    ['three blocks', 200, [64, 64]],
  ])('%s: (2 / segments) X^T X', async (_, columns, lengths) => {
    const random = new Random(61);
    const mark = pool.arena.mark();
    const hessian = new Hessian(pool, columns);
    const expected = new Float64Array(columns * columns);
    for (const tokens of lengths) {
      const inputs = correlatedInputs(random, tokens, columns);
      const rounded = Float32Array.from(inputs.values);
      await hessian.add(rounded, tokens);
      for (const [cell, value] of gram(matrixOf(tokens, columns, rounded)).values.entries()) {
        expected[cell] = (expected[cell] ?? 0) + (2 * value) / lengths.length;
      }
    }
    const target = matrixOf(columns, columns, expected);
    const found = hessianCells(pool, hessian);
    for (let row = 0; row < columns; row++) {
      for (let column = 0; column <= row; column++) {
        const size = Math.sqrt(at(target, row, row) * at(target, column, column));
        const difference = Math.abs(found(row, column) - at(target, row, column));
        if (!(difference < 1e-5 * size)) throw new Error(`${difference} at ${row}, ${column}`);
      }
    }
    expect([...hessian.diagonal()]).toEqual(Array.from({ length: columns }, (_, i) => found(i, i)));
    pool.arena.release(mark);
  });

  it('gives back the diagonal that was loaded', () => {
    const mark = pool.arena.mark();
    const hessian = new Hessian(pool, 3);
    hessian.load(Float32Array.of(4, 1, 2, 1, 5, 3, 2, 3, 6));
    expect([...hessian.diagonal()]).toEqual([4, 5, 6]);
    expect(hessianCells(pool, hessian)(2, 1)).toBe(3);
    pool.arena.release(mark);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processingOrder } from '../../../main/engine/claq/damping.ts';
import { type KernelFactor, factorHessian } from '../../../main/engine/claq/factor.ts';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { BLOCK, PANEL } from '../../../main/engine/kernels/layout.ts';
import { prepareHessian } from '../../oracle/gptq.ts';
import {
  type Matrix,
  at,
  matrixOf,
  permuteSymmetric,
  product,
  transpose,
  zeros,
} from '../../oracle/linear-algebra.ts';
import { Random, randomHessian } from '../../oracle/random.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

/** Factors `hessian` and hands the factor over while it stands in the arena. */
async function withFactor<T>(
  hessian: Matrix,
  options: { readonly percdamp?: number; readonly actOrder?: boolean },
  use: (factor: KernelFactor) => T,
): Promise<T> {
  const mark = pool.arena.mark();
  try {
    const loaded = new Hessian(pool, hessian.columns);
    loaded.load(Float32Array.from(hessian.values));
    return use(
      await factorHessian(pool, loaded, { percdamp: 0.01, actOrder: true, where: 'layer', ...options }),
    );
  } finally {
    pool.arena.release(mark);
  }
}

/** U and D out of the kernels' panels: [source block][target block][panel][column of the source block][6]. */
function readFactor(factor: KernelFactor): { upper: Matrix; diagonal: Float64Array } {
  const { columns, paddedColumns } = factor;
  const panels = pool.arena.floats(factor.panels, paddedColumns ** 2);
  const blocks = paddedColumns / BLOCK;
  const upper = zeros(columns, columns);
  for (let row = 0; row < columns; row++) {
    upper.values[row * columns + row] = 1;
    for (let column = row + 1; column < columns; column++) {
      const block = Math.floor(row / BLOCK) * blocks + Math.floor(column / BLOCK);
      const panel = Math.floor((column % BLOCK) / PANEL);
      const place = (block * BLOCK + panel * PANEL) * BLOCK + (row % BLOCK) * PANEL + (column % PANEL);
      upper.values[row * columns + column] = panels[place] ?? NaN;
    }
  }
  return { upper, diagonal: Float64Array.from(pool.arena.doubles(factor.d, columns)) };
}

describe('factorHessian', () => {
  const random = new Random(51);

  it.each([
    [1, true],
    [5, true],
    [96, false],
    [97, true],
    [200, true],
    [200, false],
  ])('%i columns, act-order %s: U D U^T is the damped matrix in its order', async (columns, actOrder) => {
    const hessian = randomHessian(random, columns, columns > 10 ? [3] : []);
    const expected = prepareHessian(hessian, 0.01, actOrder);
    const target = permuteSymmetric(expected.damped, expected.order);
    await withFactor(hessian, { actOrder }, (factor) => {
      const { upper, diagonal } = readFactor(factor);
      expect([...factor.order]).toEqual(expected.order);
      expect([...factor.dead]).toEqual(expected.dead.map(Number));
      const scaled = { ...upper, values: upper.values.map((u, cell) => u * (diagonal[cell % columns] ?? 0)) };
      const rebuilt = product(scaled, transpose(upper));
      for (let row = 0; row < columns; row++) {
        for (let column = 0; column < columns; column++) {
          // Float32 against the size of the two rows.
          const size = Math.sqrt(at(target, row, row) * at(target, column, column));
          const difference = Math.abs(at(rebuilt, row, column) - at(target, row, column));
          if (!(difference < 1e-5 * size))
            throw new Error(`${difference} at ${row}, ${column} of size ${size}`);
        }
        // D is what GPTQ calls 1 / U[i,i]^2.
        const cost = at(expected.upper, row, row) ** -2;
        expect(Math.abs((diagonal[row] ?? NaN) / cost - 1)).toBeLessThan(1e-4);
        // An error in a dead column costs nothing.
        const column = expected.order[row] ?? 0;
        expect(factor.sensitivity[column]).toBe(expected.dead[column] === true ? 0 : diagonal[row]);
      }
      expect(factor.damping).toBe(0.01);
    });
  });

  it('damps more where that is not enough', async () => {
    // Eigenvalues 2.05 and -0.05: a hundredth of the diagonal does not lift them, a tenth does.
    const indefinite = matrixOf(2, 2, [1, 1.05, 1.05, 1]);
    await withFactor(indefinite, {}, (factor) => {
      expect(factor.damping).toBe(0.1);
      const { upper, diagonal } = readFactor(factor);
      expect(at(upper, 0, 1)).toBeCloseTo(1.05 / 1.1, 5);
      expect(diagonal[1]).toBeCloseTo(1.1, 5);
      expect(diagonal[0]).toBeCloseTo(1.1 - 1.05 ** 2 / 1.1, 5);
    });
  });

  it('factors a singular matrix once it is damped', async () => {
    const ones = matrixOf(120, 120, new Array<number>(120 * 120).fill(1));
    expect(await withFactor(ones, {}, ({ damping }) => damping)).toBe(0.01);
    expect(await thrownBy(() => withFactor(ones, { percdamp: 0 }, () => 0))).toMatchObject({
      code: 'hessian/not-positive-definite',
    });
  });

  it('gives up on a matrix that no damping mends, and says which', async () => {
    const error = await thrownBy(() => withFactor(matrixOf(2, 2, [1, 20, 20, 1]), {}, () => 0));
    expect(error).toMatchObject({
      code: 'hessian/not-positive-definite',
      where: 'layer',
      found: 'none at damping 0.01 to 10',
    });
  });

  it('refuses inputs that are not finite', async () => {
    const error = await thrownBy(() => withFactor(matrixOf(2, 2, [1, 0, 0, Infinity]), {}, () => 0));
    expect(error).toMatchObject({
      code: 'hessian/not-finite',
      where: 'layer',
      found: 'Infinity on the diagonal, column 1',
    });
  });
});

describe('processingOrder', () => {
  it('takes large diagonals first, equal ones by index', () => {
    const diagonal = Float64Array.of(1, 3, 2, 3);
    expect([...processingOrder(diagonal, true)]).toEqual([1, 3, 2, 0]);
    expect([...processingOrder(diagonal, false)]).toEqual([0, 1, 2, 3]);
  });
});

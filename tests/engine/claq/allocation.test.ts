import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allocate } from '../../../shared/allocation.ts';
import { packedPlanBytes } from '../../../shared/allocation-matrix.ts';
import { columnClasses, packedBytes, totalBytes } from '../../../shared/bits.ts';
import {
  allocatedPlan,
  allocationCandidates,
  allocationMatrix,
} from '../../../main/engine/claq/allocation.ts';
import { columnErrors } from '../../../main/engine/kernels/column-errors.ts';
import { copyMatrix } from '../../../main/engine/kernels/column-statistics.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { Random } from '../../oracle/random.ts';

describe('allocationCandidates', () => {
  it.each([
    [4096, [0, 4, 20, 82]],
    [576, [0, 1, 3, 12]],
    [192, [0, 1, 4]],
    [10, [0]],
  ])('of %i rows are half of the shares at each tail, in whole entries', (rows, tailCounts) => {
    expect(allocationCandidates(rows)).toEqual({ widths: [1, 2, 3, 4], tailCounts });
  });
});

describe('allocationMatrix', () => {
  const measured = {
    widths: [1, 2],
    tailCounts: [0, 3],
    errors: Float64Array.of(64, 16, 32, 8, 640, 160, 320, 80),
  };
  const sensitivity = { columns: Float64Array.of(1, 0.5), matrix: 2 };

  it('weighs the errors by both sensitivities, and divides them by 4 with each bit beyond those measured', () => {
    const { options, losses } = allocationMatrix(measured, 16, sensitivity, { scaledRows: true });
    expect(options).toEqual([0, 6].flatMap((reserved) => [1, 2, 3, 4].map((width) => ({ width, reserved }))));
    expect([...losses.subarray(0, 8)]).toEqual([128, 32, 8, 2, 64, 16, 4, 1]);
    expect([...losses.subarray(8)]).toEqual([640, 160, 40, 10, 320, 80, 20, 5]);
  });

  it('offers widths to 8 where the columns have entries for as many centroids', () => {
    const widthsOf = (rows: number): number[] => [
      ...new Set(allocationMatrix(measured, rows, sensitivity, {}).options.map(({ width }) => width)),
    ];
    expect(widthsOf(256)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(widthsOf(192)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(widthsOf(1)).toEqual([1]);
  });

  it('refuses errors of other columns', () => {
    const other = { columns: new Float64Array(3), matrix: 1 };
    expect(() => allocationMatrix(measured, 16, other, {})).toThrow(
      new TypeError('8 errors of 3 columns with 2 counts and 2 widths'),
    );
  });
});

describe('with measured errors', () => {
  let pool: KernelPool;
  beforeAll(async () => {
    pool = await KernelPool.start({ threads: 2 });
  });
  afterAll(() => pool.stop());

  it('columns that weigh more get more bits, columns with outliers more reserved entries', async () => {
    const [rows, columns] = [300, 24];
    const random = new Random(7);
    // A third of the columns has heavy tails.
    const weights = random.floats(rows * columns, () => random.normal());
    for (let column = 0; column < 8; column++) {
      for (let row = 0; row < 4; row++)
        weights[(7 * row + column) * columns + column] = row % 2 === 0 ? 12 : -12;
    }
    const errors = await columnErrors(
      pool,
      copyMatrix(pool.arena, weights, { rows, columns }),
      allocationCandidates(rows),
    );
    const sensitivity = {
      columns: Float64Array.from({ length: columns }, (_, c) => (c < 16 ? 1 : 64)),
      matrix: 1,
    };
    const matrix = allocationMatrix(errors, rows, sensitivity, { scaledRows: true });
    const budget = Math.floor((rows * columns * 3.5) / 8);
    const { matrices, bytes } = allocate([matrix], budget);
    const [found] = matrices;
    if (found === undefined) throw new Error('nothing allocated');
    const { widths, reserved } = found;
    expect(bytes).toBe(packedPlanBytes(matrix.shape, found, { scaledRows: true }));
    expect(budget - bytes).toBeLessThan(16);
    const mean = (values: ArrayLike<number> & Iterable<number>): number =>
      Array.from(values).reduce((sum, each) => sum + each, 0) / values.length;
    expect(mean(widths.subarray(16))).toBeGreaterThan(mean(widths.subarray(8, 16)) + 1);
    expect(Math.min(...reserved.subarray(0, 8))).toBeGreaterThanOrEqual(4);
    expect(mean(reserved.subarray(8, 16))).toBeLessThan(mean(reserved.subarray(0, 8)));

    const plan = allocatedPlan(found);
    expect(totalBytes(packedBytes(matrix.shape, columnClasses(plan), { scaledRows: true }))).toBe(bytes);
  });
});

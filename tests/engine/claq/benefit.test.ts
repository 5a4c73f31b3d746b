import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLASS_BYTES, columnBits, columnClasses, packedBytes, totalBytes } from '../../../shared/bits.ts';
import { type Budget, type ColumnPlan, budgetOfBits, planByOrder } from '../../../shared/budget.ts';
import { measureColumnErrors, planByBenefit } from '../../../main/engine/claq/benefit.ts';
import type { ColumnErrors } from '../../../main/engine/kernels/column-errors.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { optimalClusters } from '../../oracle/kmeans.ts';
import { Random } from '../../oracle/random.ts';

const SMALL: Budget = {
  precision: { low: 2, high: 4, average: 2.5 },
  reservation: { nominalBits: 1, headColumns: 0.3, headShare: 0.1, restShare: 0.02 },
};
const ROWS = 100;

interface Choice {
  readonly tail: number;
  readonly width: number;
}

function bitsOf(choices: readonly Choice[], rows = ROWS): number {
  return choices.reduce((sum, { tail, width }) => sum + columnBits(rows, width, 2 * tail), 0);
}

function choicesOf({ widths, reservedLow, reservedHigh }: ColumnPlan): Choice[] {
  expect(reservedHigh).toEqual(reservedLow);
  return Array.from(widths, (width, column) => ({ width, tail: reservedLow[column] ?? NaN }));
}

function storedBitsOf(plan: ColumnPlan, rows = ROWS): number {
  return 8 * totalBytes(packedBytes({ rows, columns: plan.widths.length }, columnClasses(plan)));
}

function byOrder(columns: number, budget: Budget, rows = ROWS): ColumnPlan {
  const order = Int32Array.from({ length: columns }, (_, column) => column);
  return planByOrder(order, rows, budget);
}

function lossOf(table: ColumnErrors, sensitivity: Float64Array, choices: readonly Choice[]): number {
  const { widths, tailCounts, errors } = table;
  return choices.reduce((sum, { tail, width }, column) => {
    const at =
      (column * tailCounts.length + tailCounts.indexOf(tail)) * widths.length + widths.indexOf(width);
    return sum + (sensitivity[column] ?? NaN) * (errors[at] ?? NaN);
  }, 0);
}

/** Least loss over all choices for all columns within so many bits. */
function bruteForce(table: ColumnErrors, sensitivity: Float64Array, bits: number): number {
  const options = table.tailCounts.flatMap((tail) => table.widths.map((width) => ({ tail, width })));
  let least = Infinity;
  const search = (chosen: readonly Choice[]): void => {
    if (bitsOf(chosen) > bits) return;
    if (chosen.length === sensitivity.length) least = Math.min(least, lossOf(table, sensitivity, chosen));
    else for (const option of options) search([...chosen, option]);
  };
  search([]);
  return least;
}

/** Any errors at all, of 1 to 4 columns, at two widths and two counts. */
const tables = fc.integer({ min: 1, max: 4 }).chain((columns) =>
  fc.record({
    table: fc
      .array(fc.double({ min: 0, max: 10, noNaN: true }), { minLength: 4 * columns, maxLength: 4 * columns })
      .map((errors) => ({ widths: [2, 4], tailCounts: [2, 10], errors: Float64Array.from(errors) })),
    sensitivity: fc
      .array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: columns, maxLength: columns })
      .map((values) => Float64Array.from(values)),
    average: fc.double({ min: 2, max: 4, noNaN: true }),
  }),
);

describe('planByBenefit', () => {
  it('spends no more than the plan by order, and leaves no better plan but for one step unspent', () => {
    // A table of four classes, two bits a column that name them, three last bytes.
    const overhead = (columns: number): number => 8 * 4 * CLASS_BYTES + 2 * columns + 21;
    const largestStep = columnBits(ROWS, 4, 20) - columnBits(ROWS, 2, 4);
    fc.assert(
      fc.property(tables, ({ table, sensitivity, average }) => {
        const budget = { ...SMALL, precision: { low: 2, high: 4, average } };
        const bits = storedBitsOf(byOrder(sensitivity.length, budget));
        const plan = planByBenefit(table, sensitivity, ROWS, budget);
        const loss = lossOf(table, sensitivity, choicesOf(plan));
        expect(storedBitsOf(plan)).toBeLessThanOrEqual(bits);
        expect(loss).toBeGreaterThanOrEqual(bruteForce(table, sensitivity, bits) - 1e-9);
        const within = bits - overhead(sensitivity.length) - largestStep;
        expect(loss).toBeLessThanOrEqual(bruteForce(table, sensitivity, within) + 1e-9);
      }),
    );
  });

  it('spends no more on real sizes and the settings of the paper, and little less', () => {
    const random = new Random(73);
    for (const [rows, columns, bits] of [
      [576, 576, 2.12],
      [192, 576, 2.24],
      [576, 1536, 3.12],
      [576, 200, 2.1],
      [1536, 300, 3.23],
    ] as const) {
      const budget = budgetOfBits(bits);
      const { precision, reservation } = budget;
      const multiples = reservation === undefined ? [0] : [0, 1, 2, 3.5, 7];
      const tailCounts = multiples.map((multiple) =>
        Math.round(multiple * rows * (reservation?.restShare ?? 0)),
      );
      const widths = [precision.low, precision.high];
      const table = {
        widths,
        tailCounts,
        // Less at the wider width and with more reserved.
        errors: Float64Array.from(
          { length: columns * tailCounts.length * 2 },
          (_, i) => random.uniform() / (1 + (i % (2 * tailCounts.length))),
        ),
      };
      const sensitivity = Float64Array.from({ length: columns }, () => Math.exp(random.normal()));
      const plan = planByBenefit(table, sensitivity, rows, budget);
      const allowed = storedBitsOf(byOrder(columns, budget, rows), rows);
      expect(storedBitsOf(plan, rows)).toBeLessThanOrEqual(allowed);
      expect(storedBitsOf(plan, rows)).toBeGreaterThan(0.99 * allowed);
    }
  });

  it('gives the wide codes to the columns where an error costs most', () => {
    const columns = 10;
    const table = {
      widths: [2, 4],
      tailCounts: [0],
      errors: Float64Array.from({ length: 2 * columns }, (_, i) => (i % 2 === 0 ? 1 : 0.1)),
    };
    const sensitivity = Float64Array.of(1, 7, 2, 9, 3, 4, 8, 5, 6, 0);
    const budget = { precision: { low: 2, high: 4, average: 2.6 }, reservation: undefined };
    const { widths } = planByBenefit(table, sensitivity, ROWS, budget);
    expect([...widths]).toEqual([2, 4, 2, 4, 2, 2, 4, 2, 2, 2]);
  });

  it('spends nothing where nothing is gained', () => {
    const table = { widths: [2, 4], tailCounts: [0], errors: new Float64Array(8) };
    const budget = { precision: { low: 2, high: 4, average: 3 }, reservation: undefined };
    const { widths } = planByBenefit(table, Float64Array.of(1, 1, 1, 1), ROWS, budget);
    expect([...widths]).toEqual([2, 2, 2, 2]);
  });
});

describe('measureColumnErrors', () => {
  let pool: KernelPool;
  beforeAll(async () => {
    pool = await KernelPool.start({ threads: 2 });
  });
  afterAll(() => pool.stop());

  function column(weights: Float32Array, columns: number, index: number): Float32Array {
    return weights.filter((_, cell) => cell % columns === index);
  }

  it.each([
    ['to rounding where every value is a bin', 40, 1e-6],
    // The dynamic programme alone, without the Lloyd steps that follow it for a codebook.
    ['within 6 percent in bins, most with most centroids', 700, 0.06],
  ])('finds the error of optimal clusters, %s', async (_, rows, tolerance) => {
    const columns = 9;
    const random = new Random(72);
    const weights = random.floats(rows * columns, () => 0.1 * random.student(4));
    const { widths, tailCounts, errors } = await measureColumnErrors(pool, weights, rows, columns, SMALL);
    expect(widths).toEqual([2, 3, 4]);
    // Nothing, the two shares, and twice each.
    expect(tailCounts).toEqual([0, 0.02, 0.04, 0.1, 0.2].map((share) => Math.round(share * rows)));
    let at = 0;
    for (let index = 0; index < columns; index++) {
      const sorted = column(weights, columns, index).sort();
      for (const tail of tailCounts) {
        const kept = sorted.subarray(tail, rows - tail);
        for (const width of widths) {
          const { error } = optimalClusters(kept, 2 ** width);
          expect(Math.abs((errors[at++] ?? NaN) / error - 1)).toBeLessThan(tolerance);
        }
      }
    }
    expect(at).toBe(errors.length);
  });

  it("offers both shares of a budget of one's own, however far apart", async () => {
    const random = new Random(73);
    const budget: Budget = {
      precision: { low: 2, high: 2, average: 2 },
      reservation: { nominalBits: 0.3, headColumns: 0.5, headShare: 0.05, restShare: 0.001 },
    };
    const table = await measureColumnErrors(
      pool,
      random.floats(1000, () => random.normal()),
      1000,
      1,
      budget,
    );
    expect(table.tailCounts).toEqual([0, 1, 2, 50, 100]);
  });

  it('measures one width for a single precision, and no reservation without one', async () => {
    const weights = Float32Array.of(1, 2, 3, 4, 5, 60);
    const table = await measureColumnErrors(pool, weights, 6, 1, budgetOfBits(1));
    expect(table).toEqual({ widths: [1], tailCounts: [0], errors: Float64Array.of(10) });
  });
});

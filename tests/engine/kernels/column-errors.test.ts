import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ColumnCandidates,
  type ColumnErrors,
  type ColumnRows,
  columnErrors,
} from '../../../main/engine/kernels/column-errors.ts';
import { copyMatrix } from '../../../main/engine/kernels/column-statistics.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { optimalClusters } from '../../oracle/kmeans.ts';
import { Random } from '../../oracle/random.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

/** Of a matrix that is one column. */
async function errorsOf(
  values: Float32Array,
  candidates: ColumnCandidates,
  rows?: ColumnRows,
): Promise<number[]> {
  const mark = pool.arena.mark();
  try {
    const matrix = copyMatrix(pool.arena, values, { rows: values.length, columns: 1 });
    const found: ColumnErrors = await columnErrors(pool, matrix, candidates, rows);
    return [...found.errors];
  } finally {
    pool.arena.release(mark);
  }
}

/** Optimal errors, in the same order. */
function optimalErrors(values: Float32Array, { widths, tailCounts }: ColumnCandidates): number[] {
  const sorted = values.slice().sort();
  return tailCounts.flatMap((tail) => {
    const kept = sorted.subarray(tail, sorted.length - tail);
    return widths.map((width) => optimalClusters(kept, 2 ** width).error);
  });
}

describe('columnErrors', () => {
  const candidates = { widths: [2, 3, 4], tailCounts: [0, 6, 12, 22, 43] };
  const random = new Random(91);

  it.each([
    ['normal values', () => random.normal()],
    ['heavy tails', () => random.student(3)],
    // Most of the column lies a thousand times closer together than its tails do: bins of the one are none of the other.
    ['a narrow middle', () => random.student(4) * (random.uniform() < 0.1 ? 1 : 0.001)],
    ['two middles', () => 0.01 * random.normal() + (random.uniform() < 0.5 ? 1 : -1)],
  ])('is a few percent above the optimum: %s', async (_, draw) => {
    const values = random.floats(1536, draw);
    const optimal = optimalErrors(values, candidates);
    const ratios = (await errorsOf(values, candidates)).map((error, i) => error / (optimal[i] ?? NaN));
    expect(Math.min(...ratios)).toBeGreaterThan(0.9999);
    expect(Math.max(...ratios)).toBeLessThan(1.1);
    expect(ratios.reduce((sum, ratio) => sum + ratio) / ratios.length).toBeLessThan(1.03);
  });

  it('never rises with a bit more, nor with more entries reserved', async () => {
    const draws = fc.record({
      seed: fc.nat(),
      rows: fc.integer({ min: 3, max: 900 }),
      freedom: fc.constantFrom(1, 2, 8),
    });
    await fc.assert(
      fc.asyncProperty(draws, async ({ seed, rows, freedom }) => {
        const drawn = new Random(seed);
        const values = drawn.floats(rows, () => drawn.student(freedom));
        const widths = [1, 2, 3, 4, 5];
        const tailCounts = [
          ...new Set([0, 0.002, 0.02, 0.1, 0.3, 0.5].map((share) => Math.round(share * rows))),
        ];
        const errors = await errorsOf(values, { widths, tailCounts });
        for (const [i, error] of errors.entries()) {
          const narrower = i % widths.length === 0 ? Infinity : errors[i - 1];
          const fewer = errors[i - widths.length] ?? Infinity;
          expect(error).toBeLessThanOrEqual(narrower ?? NaN);
          expect(error).toBeLessThanOrEqual(fewer * (1 + 1e-5));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is nothing where all values are the same, and where a centroid serves each', async () => {
    const widths = [1, 2];
    const tailCounts = [0, 5, 100, 600];
    expect(await errorsOf(new Float32Array(1200).fill(0.3), { widths, tailCounts })).toEqual(
      new Array<number>(8).fill(0),
    );
    const two = Float32Array.from({ length: 1200 }, (_, i) => (i % 3 === 0 ? -7 : 1e-3));
    // But for the rounding of sums of squares.
    const energy = 400 * 49;
    for (const error of await errorsOf(two, { widths, tailCounts })) {
      expect(error).toBeLessThan(1e-12 * energy);
    }
  });

  it('has room for as many bins as eight counts and 256 centroids make', async () => {
    const values = random.floats(5000, () => random.student(2));
    const tailCounts = [0, 100, 200, 300, 500, 800, 1200, 2000];
    const most = { widths: [1, 8], tailCounts };
    const errors = await errorsOf(values, most);
    for (const [i, optimum] of optimalErrors(values, { ...most, widths: [1] }).entries()) {
      expect((errors[2 * i] ?? NaN) / optimum).toBeCloseTo(1, 1);
      expect(errors[2 * i + 1]).toBeLessThan(0.001 * optimum);
    }
  });

  it('weighs rows that weigh the same like rows that have no weights', async () => {
    const values = random.floats(700, () => random.student(4));
    const rowWeights = new Float32Array(700).fill(1);
    expect(await errorsOf(values, candidates, { rowWeights })).toEqual(await errorsOf(values, candidates));
  });

  it.each([
    { widths: [2], tailCounts: [4, 2] },
    { widths: [2], tailCounts: [2, 2] },
    { widths: [4, 2], tailCounts: [0] },
    { widths: [9], tailCounts: [0] },
    { widths: [2], tailCounts: [0, 1, 2, 3, 4, 5, 6, 7, 8] },
  ])('refuses candidates that it has no room for or no order: %j', async (wrong) => {
    await expect(
      errorsOf(
        random.floats(100, () => random.normal()),
        wrong,
      ),
    ).rejects.toThrow(RangeError);
  });
});

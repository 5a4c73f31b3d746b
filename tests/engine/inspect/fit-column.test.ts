import { describe, expect, it } from 'vitest';
import { type FitColumn, loadColumnFitter } from '../../../main/engine/inspect/fit-column.ts';
import { optimalClusters } from '../../oracle/kmeans.ts';
import { Random } from '../../oracle/random.ts';

const fitColumn: FitColumn = await loadColumnFitter();

/** Squared error of values at their nearest centroids. */
function nearestError(values: Float32Array, centroids: readonly number[]): number {
  return values.reduce((sum, value) => sum + Math.min(...centroids.map((each) => (value - each) ** 2)), 0);
}

describe('fitColumn', () => {
  it.each([0, 0.02, 0.25])(
    'fits codebooks of every width to what a share of %d at each tail leaves',
    (tailShare) => {
      const random = new Random(91);
      const values = random.floats(500, () => 0.05 * random.student(4));
      const { sorted, reserved, codebooks } = fitColumn(values, tailShare);
      expect(sorted).toEqual(values.toSorted());
      expect(reserved).toBe(Math.round(500 * tailShare));
      expect(codebooks.map(({ width }) => width)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      const kept = sorted.subarray(reserved, 500 - reserved);
      for (const { width, centroids, squaredError } of codebooks) {
        expect(centroids).toEqual(centroids.toSorted((a, b) => a - b));
        expect(centroids).toEqual(centroids.map((centroid) => Math.f16round(centroid)));
        expect(centroids.length).toBeLessThanOrEqual(2 ** width);
        expect(squaredError / nearestError(kept, centroids)).toBeCloseTo(1, 9);
        // The largest codebooks have about as many centroids as there are values, whose rounding is what is left.
        if (width <= 5) expect(squaredError / optimalClusters(kept, 2 ** width).error).toBeLessThan(1.02);
      }
    },
  );

  it('has no more centroids than there are values to tell apart', () => {
    const { codebooks } = fitColumn(Float32Array.of(2, -1, 2, 0.5, -1, 2), 0);
    expect(codebooks.map(({ centroids, squaredError }) => ({ centroids, squaredError }))).toEqual([
      { centroids: [-0.5, 2], squaredError: 1.5 },
      ...Array.from({ length: 7 }, () => ({ centroids: [-1, 0.5, 2], squaredError: 0 })),
    ]);
  });

  it('fits one column after another in the same memory', () => {
    const random = new Random(92);
    const columns = [30, 2000, 1].map((rows) => random.floats(rows, () => random.normal()));
    const once = columns.map((values) => fitColumn(values, 0.01));
    expect(columns.map((values) => fitColumn(values, 0.01))).toEqual(once);
  });

  it('has nothing left to err where everything is reserved', () => {
    const { reserved, codebooks } = fitColumn(Float32Array.of(3, 1), 0.25);
    expect(reserved).toBe(1);
    for (const { squaredError } of codebooks) expect(squaredError).toBe(0);
  });
});

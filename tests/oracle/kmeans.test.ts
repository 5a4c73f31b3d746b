import fc from 'fast-check';
import { expect, it } from 'vitest';
import { optimalClusters, squaredError } from './kmeans.ts';

/** Least error over every way to cut the sorted values into `clusters` runs. */
function bruteForce(sorted: readonly number[], clusters: number): number {
  if (clusters === 1 || sorted.length <= 1) {
    const mean = sorted.reduce((sum, value) => sum + value, 0) / Math.max(sorted.length, 1);
    return sorted.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  }
  let least = Infinity;
  for (let cut = 0; cut <= sorted.length; cut++) {
    const left = bruteForce(sorted.slice(0, cut), 1);
    least = Math.min(least, left + bruteForce(sorted.slice(cut), clusters - 1));
  }
  return least;
}

it('finds the least error over all partitions into runs', () => {
  const columns = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(columns, fc.integer({ min: 1, max: 4 }), (values, clusters) => {
      const { centroids, error } = optimalClusters(values, clusters);
      const expected = bruteForce(
        values.toSorted((a, b) => a - b),
        clusters,
      );
      expect(error).toBeCloseTo(expected, 8);
      expect(squaredError(values, centroids)).toBeCloseTo(expected, 8);
    }),
  );
});

it('knows the clusters of a plain example', () => {
  expect(optimalClusters([10, 1, 2, 11, 30], 3)).toEqual({ centroids: [1.5, 10.5, 30], error: 1 });
});

/**
 * Exact one-dimensional K-Means. An optimal clustering of sorted values consists of runs, so
 *     cost[k][j] = min over i < j of cost[k - 1][i] + (squared error of values i .. j - 1 around their mean),
 * and the best i never moves left as j grows (Wu 1991), which lets each layer be solved by divide and conquer.
 */
export interface Clustering {
  /** Ascending; as many as asked for, or as there are values. */
  readonly centroids: number[];
  /** Sum of squared distances of all values from the mean of their cluster. */
  readonly error: number;
}

export function optimalClusters(values: ArrayLike<number>, clusters: number): Clustering {
  const n = values.length;
  if (n === 0) return { centroids: [], error: 0 };
  const sorted = Float64Array.from(values).sort();
  // Squares lose digits far from zero: everything is measured from the median.
  const centre = sorted[n >> 1] ?? 0;
  const sums = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  for (const [i, value] of sorted.entries()) {
    const x = value - centre;
    sums[i + 1] = (sums[i] ?? 0) + x;
    squares[i + 1] = (squares[i] ?? 0) + x * x;
  }
  const runCost = (from: number, to: number): number => {
    const sum = (sums[to] ?? 0) - (sums[from] ?? 0);
    return Math.max(0, (squares[to] ?? 0) - (squares[from] ?? 0) - (sum * sum) / (to - from));
  };

  const layers = Math.min(clusters, n);
  let before = Float64Array.from({ length: n + 1 }, (_, j) => (j === 0 ? 0 : runCost(0, j)));
  const splits: Int32Array[] = [];
  for (let layer = 2; layer <= layers; layer++) {
    const now = new Float64Array(n + 1).fill(Infinity);
    const split = new Int32Array(n + 1);
    const solve = (first: number, last: number, lowest: number, highest: number): void => {
      if (first > last) return;
      const j = (first + last) >> 1;
      for (let i = Math.max(lowest, layer - 1); i <= Math.min(highest, j - 1); i++) {
        const cost = (before[i] ?? 0) + runCost(i, j);
        if (cost < (now[j] ?? 0)) {
          now[j] = cost;
          split[j] = i;
        }
      }
      solve(first, j - 1, lowest, split[j] ?? 0);
      solve(j + 1, last, split[j] ?? 0, highest);
    };
    solve(layer, n, layer - 1, n - 1);
    splits.push(split);
    before = now;
  }

  const centroids: number[] = [];
  let end = n;
  for (let layer = layers; layer >= 1; layer--) {
    const start = layer === 1 ? 0 : (splits[layer - 2]?.[end] ?? 0);
    centroids.unshift(centre + ((sums[end] ?? 0) - (sums[start] ?? 0)) / (end - start));
    end = start;
  }
  return { centroids, error: before[n] ?? 0 };
}

/** Sum of squared distances of the values from the nearest of these centroids. */
export function squaredError(values: Iterable<number>, centroids: ArrayLike<number>): number {
  let error = 0;
  for (const value of values) {
    let least = Infinity;
    for (let c = 0; c < centroids.length; c++) least = Math.min(least, (value - (centroids[c] ?? 0)) ** 2);
    error += least;
  }
  return error;
}

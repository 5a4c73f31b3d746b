/**
 * Least costs of partitions of one column's bins, for many ranges of them: what a column would err with some of its entries
 * reserved. The cost of every run of bins as one cluster is worked out once, in doubles, and kept in single precision; the
 * searches of all ranges only add and compare. Costs are sums of what is not negative: nothing cancels.
 */
import { EDGE_COUNT, EDGE_SQUARES, EDGE_SUM } from './codebook-scratch';

/** Floats before a row's own: a search looks at four ends at a time, of which the first three may lie before the start. */
const LEAD: usize = 4;

// @ts-ignore: decorator
@inline
function strideOf(bins: i32): usize {
  return (<usize>bins + 1 + 2 * LEAD + 3) & ~3;
}

/** Bytes that the costs of so many bins take, and the searches beside them. */
export function partitionCostsBytes(bins: i32): usize {
  // A row for each bin that a cluster begins with; two rows of costs and two of splits.
  return (<usize>bins + 4) * strideOf(bins) * 4;
}

/** Where the row of clusters that begin with bin `i` has edge 0: cost of bins [i, j) at j. */
// @ts-ignore: decorator
@inline
function rowOf(room: usize, stride: usize, i: i32): usize {
  return room + ((<usize>i * stride + LEAD) << 2);
}

// @ts-ignore: decorator
@inline
function runCost(sums: v128, squares: v128, counts: v128, sum: v128, square: v128, count: v128): v128 {
  const total = f64x2.sub(sums, sum);
  const mean = f64x2.div(f64x2.mul(total, total), f64x2.sub(counts, count));
  return f32x4.demote_f64x2_zero(f64x2.max(f64x2.sub(f64x2.sub(squares, square), mean), f64x2.splat(0)));
}

/** Squared error of each run of bins around its mean, from the sums at the edges of the bins. */
export function costRuns(scratch: usize, bins: i32, room: usize): void {
  const stride = strideOf(bins);
  for (let i = 0; i < bins; i++) {
    const row = rowOf(room, stride, i);
    const at = <usize>i << 3;
    const sum = v128.load64_splat(scratch + EDGE_SUM + at);
    const square = v128.load64_splat(scratch + EDGE_SQUARES + at);
    const count = v128.load64_splat(scratch + EDGE_COUNT + at);
    // A run has bins: what ends at its start or before is no cluster.
    v128.store(row + (<usize>i << 2) - 12, f32x4.splat(Infinity));
    for (let j = i + 1; j <= bins; j += 4) {
      const from = scratch + (<usize>j << 3);
      const sums = from + EDGE_SUM;
      const squares = from + EDGE_SQUARES;
      const counts = from + EDGE_COUNT;
      const first = runCost(v128.load(sums), v128.load(squares), v128.load(counts), sum, square, count);
      const second = runCost(v128.load(sums, 16), v128.load(squares, 16), v128.load(counts, 16), sum, square, count);
      v128.store(row + (<usize>j << 2), i64x2.shuffle(first, second, 0, 2));
    }
  }
}

/**
 * Least cost of the bins between two edges in 1 .. k clusters of whole bins, f32 at `least` + 4, + 8, ... Splits are monotone in
 * both the number of clusters and the edge (Knuth 1971, Yao 1980), as in the search for a codebook. Returns the number of
 * clusters reached: min(k, bins between the edges).
 */
export function leastCosts(room: usize, bins: i32, from: i32, to: i32, k: i32, least: usize): i32 {
  const stride = strideOf(bins);
  const layers = min(k, to - from);
  let before = rowOf(room, stride, bins);
  let now = rowOf(room, stride, bins + 1);
  let splitsBefore = rowOf(room, stride, bins + 2);
  let splitsNow = rowOf(room, stride, bins + 3);
  const first = <usize>(from + 1) << 2;
  memory.copy(before + first, rowOf(room, stride, from) + first, <usize>(to - from) << 2);
  for (let j = from + 1; j <= to; j++) store<i32>(splitsBefore + (<usize>j << 2), from);
  store<f32>(least + 4, load<f32>(before + (<usize>to << 2)));
  for (let layer = 2; layer <= layers; layer++) {
    const last = layer == layers ? to : from + layer;
    let high = to - 1;
    for (let j = to; j >= last; j -= 4) {
      const lowest = max(j - 3, last);
      const low = max(load<i32>(splitsBefore + (<usize>lowest << 2)), from + layer - 1);
      const start = <usize>(j - 3) << 2;
      let best = f32x4.splat(Infinity);
      let bestAt = i32x4.splat(low);
      let split = bestAt;
      let cost = rowOf(room, stride, low) + start;
      for (let at = before + (<usize>low << 2), stop = before + (<usize>min(high, j - 1) << 2); at <= stop; at += 4) {
        const whole = f32x4.add(v128.load32_splat(at), v128.load(cost));
        const less = f32x4.lt(whole, best);
        best = f32x4.pmin(whole, best);
        bestAt = v128.bitselect(split, bestAt, less);
        split = i32x4.add(split, i32x4.splat(1));
        cost += stride << 2;
      }
      v128.store(now + start, best);
      v128.store(splitsNow + start, bestAt);
      high = load<i32>(splitsNow + (<usize>lowest << 2));
    }
    store<f32>(least + (<usize>layer << 2), load<f32>(now + (<usize>to << 2)));
    const costs = before;
    before = now;
    now = costs;
    const splits = splitsBefore;
    splitsBefore = splitsNow;
    splitsNow = splits;
  }
  return layers;
}

/**
 * One-dimensional K-Means on sorted values. The optimum of a one-dimensional clustering is a partition of the sorted
 * values, so a dynamic programme finds it; run over about a hundred bins it lands next to the optimum, and Lloyd steps on
 * the sorted values (a binary search a boundary, prefix sums for the means) take it the rest of the way.
 */
import { cutBins, sumAtEdges } from './bins';
import {
  BOUNDS, CENTROIDS, COST_BEFORE, COST_NOW, EDGES, EDGE_COUNT, EDGE_ROOM, EDGE_SQUARES, EDGE_SUM, INNER_BINS,
  INNER_BINS_PER_CENTROID, SPLIT, TAIL_BINS, sortedOf, squaresOf, sumsOf, weightSumsOf,
} from './codebook-scratch';
import { roundToFloat8 } from './float8';
import { roundToHalf } from './half';

const MAX_LLOYD_STEPS: i32 = 20;

/** Prefix sums of the sorted column and of its squares, [n + 1] doubles each. */
export function prefixSums(scratch: usize, n: i32): void {
  const sorted = sortedOf(scratch, n);
  const sums = sumsOf(scratch, n);
  const squares = squaresOf(scratch, n);
  let sum: f64 = 0;
  let square: f64 = 0;
  store<f64>(sums, 0);
  store<f64>(squares, 0);
  for (let i = 0; i < n; i++) {
    const x = <f64>load<f32>(sorted + (<usize>i << 2));
    sum += x;
    square += x * x;
    store<f64>(sums + (<usize>i << 3), sum, 8);
    store<f64>(squares + (<usize>i << 3), square, 8);
  }
}

/** Squared error of bins [i, j) around their mean; offsets are in bytes of a double. */
// @ts-ignore: decorator
@inline
function clusterCost(scratch: usize, i: usize, j: usize): f64 {
  const sum = load<f64>(scratch + EDGE_SUM + j) - load<f64>(scratch + EDGE_SUM + i);
  const square = load<f64>(scratch + EDGE_SQUARES + j) - load<f64>(scratch + EDGE_SQUARES + i);
  const count = load<f64>(scratch + EDGE_COUNT + j) - load<f64>(scratch + EDGE_COUNT + i);
  return square - (sum * sum) / count;
}

// @ts-ignore: decorator
@inline
function splitAt(scratch: usize, layer: i32, j: i32): usize {
  return scratch + SPLIT + ((<usize>layer * EDGE_ROOM + <usize>j) << 1);
}

/**
 * Cheapest last split, among the edges low .. high, of what lies before each of the edges j .. j + 3; on equal costs the
 * first. Four at a time because a search is short: one after the other would wait for each other's results. Lanes of
 * edges that a layer does not have get what nothing reads (the arrays have room for two before and after their own).
 * @param before cost of one cluster less before each edge, less the squares before it
 * @param splits where the split of edge j goes
 */
// @ts-ignore: decorator
@inline
function bestSplits(scratch: usize, before: usize, now: usize, splits: usize, j: i32, low: i32, high: i32): void {
  const end = <isize>j << 3;
  const sums = scratch + EDGE_SUM;
  const counts = scratch + EDGE_COUNT;
  const squares = scratch + EDGE_SQUARES;
  const sumA = v128.load(sums + end);
  const sumB = v128.load(sums + end, 16);
  const countA = v128.load(counts + end);
  const countB = v128.load(counts + end, 16);
  let bestA = f64x2.splat(Infinity);
  let bestB = bestA;
  let bestAtA = i64x2.splat(low);
  let bestAtB = bestAtA;
  let edge = bestAtA;
  for (let at = <usize>low << 3, stop = <usize>high << 3; at <= stop; at += 8) {
    const sum = v128.load64_splat(sums + at);
    const count = v128.load64_splat(counts + at);
    const cost = v128.load64_splat(before + at);
    const membersA = f64x2.sub(countA, count);
    const membersB = f64x2.sub(countB, count);
    const ofA = f64x2.sub(sumA, sum);
    const ofB = f64x2.sub(sumB, sum);
    const costA = f64x2.sub(cost, f64x2.div(f64x2.mul(ofA, ofA), membersA));
    const costB = f64x2.sub(cost, f64x2.div(f64x2.mul(ofB, ofB), membersB));
    // A cluster has members: edges at or beyond the end of a lane are not its own.
    const lessA = v128.and(f64x2.lt(costA, bestA), f64x2.gt(membersA, f64x2.splat(0)));
    const lessB = v128.and(f64x2.lt(costB, bestB), f64x2.gt(membersB, f64x2.splat(0)));
    bestA = v128.bitselect(costA, bestA, lessA);
    bestB = v128.bitselect(costB, bestB, lessB);
    bestAtA = v128.bitselect(edge, bestAtA, lessA);
    bestAtB = v128.bitselect(edge, bestAtB, lessB);
    edge = i64x2.add(edge, i64x2.splat(1));
  }
  v128.store(now + end, f64x2.add(bestA, v128.load(squares + end)));
  v128.store(now + end, f64x2.add(bestB, v128.load(squares + end, 16)), 16);
  v128.store64_lane(splits, i16x8.shuffle(bestAtA, bestAtB, 0, 4, 8, 12, 0, 4, 8, 12), 0);
}

/**
 * Best partition of the values [from, to) of the sorted column into k clusters of whole bins. Splits are monotone
 * in both the layer and the edge (the cost satisfies the quadrangle inequality), which bounds each search by its
 * neighbours' results: O(bins^2) for all layers together (Knuth 1971, Yao 1980).
 * Returns the number of clusters reached: min(k, bins).
 */
function partition(scratch: usize, n: i32, from: i32, to: i32, k: i32, inner: i32, tail: i32, weighted: bool): i32 {
  const bins = cutBins(scratch, n, from, to, inner, tail);
  sumAtEdges(scratch, n, bins, weighted);
  const layers = min(k, bins);
  let before = scratch + COST_BEFORE;
  let now = scratch + COST_NOW;
  for (let j = 1; j <= bins; j++) {
    store<f64>(before + (<usize>j << 3), clusterCost(scratch, 0, <usize>j << 3));
    store<u16>(splitAt(scratch, 1, j), 0);
  }
  for (let layer = 2; layer <= layers; layer++) {
    const last = layer == layers ? bins : layer;
    // What does not depend on j: cost before the split less the squares before it.
    for (let at = <usize>(layer - 1) << 3, stop = <usize>bins << 3; at < stop; at += 16) {
      v128.store(before + at, f64x2.sub(v128.load(before + at), v128.load(scratch + EDGE_SQUARES + at)));
    }
    let high = bins - 1;
    for (let j = bins; j >= last; j -= 4) {
      const lowest = max(j - 3, last);
      const low = max(<i32>load<u16>(splitAt(scratch, layer - 1, lowest)), layer - 1);
      bestSplits(scratch, before, now, splitAt(scratch, layer, j - 3), j - 3, low, min(high, j - 1));
      high = <i32>load<u16>(splitAt(scratch, layer, lowest));
    }
    const swap = before;
    before = now;
    now = swap;
  }
  let j = bins;
  store<i32>(scratch + BOUNDS + (<usize>layers << 2), to);
  for (let layer = layers; layer >= 1; layer--) {
    j = <i32>load<u16>(splitAt(scratch, layer, j));
    store<i32>(scratch + BOUNDS + (<usize>(layer - 1) << 2), load<i32>(scratch + EDGES + (<usize>j << 2)));
  }
  return layers;
}

/** First position in [from, to) of the sorted values that is greater than x. */
function upperBound(sorted: usize, from: i32, to: i32, x: f64): i32 {
  while (from < to) {
    const middle = (from + to) >> 1;
    if (<f64>load<f32>(sorted + (<usize>middle << 2)) <= x) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The same, searched from `guess` outwards in steps that double: a Lloyd step moves a bound by little. */
function upperBoundNear(sorted: usize, from: i32, to: i32, guess: i32, x: f64): i32 {
  if (guess < from) guess = from;
  let step = 1;
  if (guess < to && <f64>load<f32>(sorted + (<usize>guess << 2)) <= x) {
    let low = guess + 1;
    let high = guess + step;
    while (high < to && <f64>load<f32>(sorted + (<usize>high << 2)) <= x) {
      low = high + 1;
      step <<= 1;
      high += step;
    }
    return upperBound(sorted, low, min(high, to), x);
  }
  let high = guess;
  let low = guess - step;
  while (low >= from && <f64>load<f32>(sorted + (<usize>low << 2)) > x) {
    high = low;
    step <<= 1;
    low -= step;
  }
  return upperBound(sorted, max(low + 1, from), high, x);
}

function meansOfClusters(scratch: usize, n: i32, k: i32, weighted: bool): void {
  const sums = sumsOf(scratch, n);
  const weights = weightSumsOf(scratch, n);
  for (let c = 0; c < k; c++) {
    const a = load<i32>(scratch + BOUNDS + (<usize>c << 2));
    const z = load<i32>(scratch + BOUNDS + (<usize>c << 2), 4);
    // A cluster that ran empty keeps its centroid.
    if (z > a) {
      const members = weighted
        ? load<f64>(weights + (<usize>z << 3)) - load<f64>(weights + (<usize>a << 3))
        : <f64>(z - a);
      const mean = (load<f64>(sums + (<usize>z << 3)) - load<f64>(sums + (<usize>a << 3))) / members;
      store<f64>(scratch + CENTROIDS + (<usize>c << 3), mean);
    }
  }
}

/** Moves the bounds of the clusters to the middles between their centroids. False: they stood there. */
function moveBounds(scratch: usize, sorted: usize, from: i32, to: i32, clusters: i32): bool {
  let moved = false;
  let at = from;
  for (let c = 1; c < clusters; c++) {
    const middle =
      (load<f64>(scratch + CENTROIDS + (<usize>(c - 1) << 3)) + load<f64>(scratch + CENTROIDS + (<usize>c << 3))) * 0.5;
    const bound = scratch + BOUNDS + (<usize>c << 2);
    at = upperBoundNear(sorted, at, to, load<i32>(bound), middle);
    if (load<i32>(bound) != at) {
      store<i32>(bound, at);
      moved = true;
    }
  }
  return moved;
}

function stepUntilStill(scratch: usize, n: i32, from: i32, to: i32, clusters: i32, weighted: bool): void {
  const sorted = sortedOf(scratch, n);
  for (let step = 0; step < MAX_LLOYD_STEPS; step++) {
    if (!moveBounds(scratch, sorted, from, to, clusters)) break;
    meansOfClusters(scratch, n, clusters, weighted);
  }
}

/**
 * Centroids for the values [from, to) of the sorted column whose prefix sums are in the scratch; there is at least one value.
 * Returns how many there are: k, or fewer where there are fewer distinct bins. They stand in CENTROIDS.
 */
export function findCentroids(scratch: usize, n: i32, from: i32, to: i32, k: i32, weighted: bool): i32 {
  const inner = k <= 16 ? INNER_BINS : k * INNER_BINS_PER_CENTROID;
  const clusters = partition(scratch, n, from, to, k, inner, TAIL_BINS, weighted);
  meansOfClusters(scratch, n, clusters, weighted);
  stepUntilStill(scratch, n, from, to, clusters, weighted);
  return clusters;
}

/** Takes the centroids that were found to where they are best for other values, likewise given. */
export function moveCentroids(scratch: usize, n: i32, from: i32, to: i32, clusters: i32, weighted: bool): void {
  store<i32>(scratch + BOUNDS, from);
  store<i32>(scratch + BOUNDS + (<usize>clusters << 2), to);
  moveBounds(scratch, sortedOf(scratch, n), from, to, clusters);
  meansOfClusters(scratch, n, clusters, weighted);
  stepUntilStill(scratch, n, from, to, clusters, weighted);
}

/** Puts k centroids in half precision, or in eight bits, into a codebook; of fewer, the last one is repeated. */
export function storeCodebook(scratch: usize, clusters: i32, k: i32, codebook: usize, inBytes: bool): void {
  for (let c = 0; c < k; c++) {
    const centroid = <f32>load<f64>(scratch + CENTROIDS + (<usize>min(c, clusters - 1) << 3));
    store<f32>(codebook + (<usize>c << 2), inBytes ? roundToFloat8(centroid) : roundToHalf(centroid));
  }
}

/**
 * Codebook of k centroids, ascending and rounded to half precision, for the values [from, to) of the sorted column whose
 * prefix sums are in the scratch. With fewer distinct bins than k the last centroid is repeated.
 */
export function fitCodebook(scratch: usize, n: i32, from: i32, to: i32, k: i32, codebook: usize): void {
  if (to <= from) {
    memory.fill(codebook, 0, <usize>k << 2);
    return;
  }
  const clusters = findCentroids(scratch, n, from, to, k, false);
  storeCodebook(scratch, clusters, k, codebook, false);
}

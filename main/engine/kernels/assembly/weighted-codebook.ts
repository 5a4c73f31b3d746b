/**
 * Codebooks for columns whose rows weigh differently (row scales), and whose reserved entries are those that the codebook
 * serves worst. Everything happens on the sorted column, as in codebook.ts.
 */
import {
  BOUNDS, CENTROIDS, HISTOGRAM, allSortedOf, markBytes, reservedOf, reservedRowsOf, sortedOf, sortedRowsOf, spareOf, squaresOf,
  sumsOf, weightSumsOf,
} from './codebook-scratch';
import { findCentroids, moveCentroids, storeCodebook } from './codebook';
import { sortPairs, valueOfPair } from './sort';

/** Times that the worst entries are chosen anew and the codebook fitted to the others. */
const RESERVING_ROUNDS: i32 = 2;

/** Sorts a column, each value with its row. Nothing is reserved yet. */
export function sortWithRows(scratch: usize, n: i32, values: usize): void {
  // The pairs stand where the sums will: they are not needed at the same time.
  const pairs = sumsOf(scratch, n);
  sortPairs(values, n, pairs, squaresOf(scratch, n), scratch + HISTOGRAM);
  const sorted = allSortedOf(scratch, n);
  const rows = sortedRowsOf(scratch, n);
  for (let i = 0; i < n; i++) {
    const pair = load<u64>(pairs + (<usize>i << 3));
    store<f32>(sorted + (<usize>i << 2), valueOfPair(pair));
    store<i32>(rows + (<usize>i << 2), <i32>pair);
  }
  memory.fill(reservedOf(scratch, n), 0, markBytes(n));
}

/** Weight of a row; 1 where there are none. */
// @ts-ignore: decorator
@inline
function weightOf(weights: usize, row: i32): f32 {
  return weights == 0 ? 1 : load<f32>(weights + (<usize>row << 2));
}

/** Takes the entries that are not reserved, with the sums before each. Returns how many there are. */
export function takeKept(scratch: usize, n: i32, weights: usize): i32 {
  const all = allSortedOf(scratch, n);
  const rows = sortedRowsOf(scratch, n);
  const reserved = reservedOf(scratch, n);
  const sorted = sortedOf(scratch, n);
  const sums = sumsOf(scratch, n);
  const squares = squaresOf(scratch, n);
  const weightSums = weightSumsOf(scratch, n);
  let sum: f64 = 0;
  let square: f64 = 0;
  let weightSum: f64 = 0;
  let kept = 0;
  store<f64>(sums, 0);
  store<f64>(squares, 0);
  store<f64>(weightSums, 0);
  for (let i = 0; i < n; i++) {
    if (load<u8>(reserved + <usize>i)) continue;
    const value = load<f32>(all + (<usize>i << 2));
    const weight = <f64>weightOf(weights, load<i32>(rows + (<usize>i << 2)));
    store<f32>(sorted + (<usize>kept << 2), value);
    sum += weight * <f64>value;
    square += weight * <f64>value * <f64>value;
    weightSum += weight;
    kept++;
    store<f64>(sums + (<usize>kept << 3), sum);
    store<f64>(squares + (<usize>kept << 3), square);
    store<f64>(weightSums + (<usize>kept << 3), weightSum);
  }
  return kept;
}

/**
 * Marks the entries that are farthest from their nearest centroids, squared and weighted; of equal ones the smaller value, of
 * equal values the earlier row.
 */
function reserveWorst(scratch: usize, n: i32, weights: usize, count: i32, clusters: i32): void {
  const all = allSortedOf(scratch, n);
  const rows = sortedRowsOf(scratch, n);
  const reserved = reservedOf(scratch, n);
  // A heap of the worst entries so far, the least bad one on top: error in the upper half, complement of the place in the lower.
  const heap = spareOf(scratch, n);
  let size = 0;
  let nearest = scratch + CENTROIDS;
  const last = nearest + (<usize>(clusters - 1) << 3);
  for (let i = 0; i < n; i++) {
    const value = <f64>load<f32>(all + (<usize>i << 2));
    while (nearest < last && value > (load<f64>(nearest) + load<f64>(nearest, 8)) * 0.5) nearest += 8;
    const distance = value - load<f64>(nearest);
    const error = <f32>(distance * distance * <f64>weightOf(weights, load<i32>(rows + (<usize>i << 2))));
    const key = (<u64>reinterpret<u32>(error) << 32) | <u64>~(<u32>i);
    if (size < count) {
      rise(heap, size, key);
      size++;
    } else if (key > load<u64>(heap)) {
      sink(heap, size, key);
    }
  }
  memory.fill(reserved, 0, markBytes(n));
  for (let i = 0; i < size; i++) {
    store<u8>(reserved + <usize>~(<u32>load<u64>(heap + (<usize>i << 3))), 1);
  }
}

/** Puts a key at the end of a heap of `size` keys. */
function rise(heap: usize, size: i32, key: u64): void {
  let at = size;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = load<u64>(heap + (<usize>parent << 3));
    if (above <= key) break;
    store<u64>(heap + (<usize>at << 3), above);
    at = parent;
  }
  store<u64>(heap + (<usize>at << 3), key);
}

/** Puts a key in the place of the least one. */
function sink(heap: usize, size: i32, key: u64): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    let below = load<u64>(heap + (<usize>child << 3));
    if (child + 1 < size) {
      const other = load<u64>(heap + (<usize>(child + 1) << 3));
      if (other < below) {
        child++;
        below = other;
      }
    }
    if (below >= key) break;
    store<u64>(heap + (<usize>at << 3), below);
    at = child;
  }
  store<u64>(heap + (<usize>at << 3), key);
}

function loadCentroids(scratch: usize, k: i32, codebook: usize): void {
  for (let c = 0; c < k; c++) {
    store<f64>(scratch + CENTROIDS + (<usize>c << 3), <f64>load<f32>(codebook + (<usize>c << 2)));
    // Where bounds are sought from.
    store<i32>(scratch + BOUNDS + (<usize>c << 2), 0);
  }
}

/** A cluster that ran empty has kept its centroid, and its neighbours may have passed it. */
function keepAscending(scratch: usize, k: i32): void {
  for (let c = 1; c < k; c++) {
    const at = scratch + CENTROIDS + (<usize>c << 3);
    store<f64>(at, max<f64>(load<f64>(at), load<f64>(at - 8)));
  }
}

/**
 * Codebook of k centroids for the entries of a column that are not reserved. Where the worst served are: first
 * those farthest from the median, then, round by round, those farthest from their centroids. Which they are stands in
 * `reservedRowsOf`. low + high <= n.
 * @param refine begin from the codebook that is there, so that the column's error can only fall, but for the rounding of centroids
 * @param values [n]; `weights` likewise, 0 where all rows weigh the same
 * @param inBytes centroids in eight bits, not in half precision
 */
export function fitKept(
  scratch: usize, n: i32, values: usize, weights: usize, low: i32, high: i32, worst: bool, refine: bool, k: i32, codebook: usize,
  inBytes: bool,
): void {
  sortWithRows(scratch, n, values);
  const reserved = reservedOf(scratch, n);
  const rounds = worst && low + high > 0 ? RESERVING_ROUNDS : 0;
  if (refine) loadCentroids(scratch, k, codebook);
  if (rounds > 0 && refine) {
    reserveWorst(scratch, n, weights, low + high, k);
  } else if (rounds > 0) {
    store<f64>(scratch + CENTROIDS, <f64>load<f32>(allSortedOf(scratch, n) + (<usize>(n >> 1) << 2)));
    reserveWorst(scratch, n, weights, low + high, 1);
  } else {
    memory.fill(reserved, 1, <usize>low);
    memory.fill(reserved + <usize>(n - high), 1, <usize>high);
  }
  let kept = takeKept(scratch, n, weights);
  if (kept > 0) {
    let clusters = k;
    if (refine) moveCentroids(scratch, n, 0, kept, k, true);
    else clusters = findCentroids(scratch, n, 0, kept, k, true);
    for (let round = 0; round < rounds; round++) {
      reserveWorst(scratch, n, weights, low + high, clusters);
      kept = takeKept(scratch, n, weights);
      moveCentroids(scratch, n, 0, kept, clusters, true);
    }
    if (refine) keepAscending(scratch, k);
    storeCodebook(scratch, clusters, k, codebook, inBytes);
  } else {
    memory.fill(codebook, 0, <usize>k << 2);
  }
  const byRow = reservedRowsOf(scratch, n);
  memory.fill(byRow, 0, markBytes(n));
  const rows = sortedRowsOf(scratch, n);
  for (let i = 0; i < n; i++) {
    if (load<u8>(reserved + <usize>i)) store<u8>(byRow + <usize>load<i32>(rows + (<usize>i << 2)), 1);
  }
}

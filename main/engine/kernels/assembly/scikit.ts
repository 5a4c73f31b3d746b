/**
 * K-Means as the authors' code runs it through scikit-learn, for `--method reference` and as the yardstick of the bench:
 * centred values in float32, a greedy k-means++ start (2 + ln k candidates a centroid, Arthur and Vassilvitskii 2007), one
 * initialisation, then Lloyd steps over all values until the centroids' squared shifts add up to at most 1e-4 of the
 * variance, at most 300. Clusters that run empty move to the values farthest from their centroids.
 *
 * A whole column comes in the order of its rows, as it does there; order decides which start is drawn, and how well the
 * processor predicts the nearest centroid. (Without its reserved entries it comes sorted.) The last assignment is left to
 * the column loop.
 */
import {
  CENTROIDS, EDGE_COUNT, EDGE_SQUARES, EDGE_SUM, distancesOf, sortedOf, spareOf, squaresOf, sumsOf,
} from './codebook-scratch';
import { roundToHalf } from './half';

const MAX_STEPS: i32 = 300;
const TOLERANCE: f64 = 1e-4;
const LN_2: f64 = 0.6931471805599453;

/** xorshift32. */
// @ts-ignore: decorator
@inline
function nextRandom(state: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

/** @param column all values, in the order of the rows; sorted they stand in the scratch */
export function fitCodebookScikit(
  scratch: usize, column: usize, n: i32, from: i32, to: i32, k: i32, codebook: usize, seed: i32,
): void {
  const count = to - from;
  const source = count == n ? column : sortedOf(scratch, n) + (<usize>from << 2);
  if (count <= 0) {
    memory.fill(codebook, 0, <usize>k << 2);
    return;
  }
  const clusters = min(k, count);
  let mean: f64 = 0;
  for (let i = 0; i < count; i++) mean += <f64>load<f32>(source + (<usize>i << 2));
  mean /= <f64>count;
  const values = spareOf(scratch, n);
  let variance: f64 = 0;
  for (let i = 0; i < count; i++) {
    const x = <f64>load<f32>(source + (<usize>i << 2)) - mean;
    variance += x * x;
    store<f32>(values + (<usize>i << 2), <f32>x);
  }
  const tolerance = (TOLERANCE * variance) / <f64>count;
  chooseStart(scratch, n, values, count, clusters, seed);
  for (let step = 0; step < MAX_STEPS; step++) {
    // Labels that stay the same leave the centroids where they are: a shift of zero.
    if (lloydStep(scratch, n, values, count, clusters) <= tolerance) break;
  }
  sortCentroids(scratch, clusters);
  for (let c = 0; c < k; c++) {
    const centroid = load<f64>(scratch + CENTROIDS + (<usize>min(c, clusters - 1) << 3));
    store<f32>(codebook + (<usize>c << 2), roundToHalf(<f32>(centroid + mean)));
  }
}

// @ts-ignore: decorator
@inline
function squaredDistance(values: usize, i: i32, centre: f32): f32 {
  const difference = load<f32>(values + (<usize>i << 2)) - centre;
  return difference * difference;
}

/** First position whose running sum reaches `target`. */
function drawBySum(sums: usize, count: i32, target: f64): i32 {
  let from = 0;
  let to = count - 1;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (load<f64>(sums + (<usize>middle << 3)) < target) from = middle + 1;
    else to = middle;
  }
  return from;
}

function chooseStart(scratch: usize, n: i32, values: usize, count: i32, k: i32, seed: i32): void {
  const centroids = scratch + CENTROIDS;
  const sums = sumsOf(scratch, n);
  // Squared distances to the nearest centroid so far, with the best candidate, and with the one on trial.
  let closest = distancesOf(scratch, n);
  let best = squaresOf(scratch, n);
  let trial = best + (<usize>n << 2);
  let state: u32 = (<u32>seed + 1) * 0x9e3779b1;
  state = nextRandom(state == 0 ? 1 : state);
  const first = load<f32>(values + (<usize>(<i32>((<u64>state * <u64>count) >> 32)) << 2));
  store<f64>(centroids, <f64>first);
  let potential: f64 = 0;
  for (let i = 0; i < count; i++) {
    const d = squaredDistance(values, i, first);
    store<f32>(closest + (<usize>i << 2), d);
    potential += <f64>d;
  }
  const trials = 2 + <i32>(<f64>(31 - clz(k)) * LN_2); // k is a power of two where it matters
  for (let c = 1; c < k; c++) {
    let sum: f64 = 0;
    for (let i = 0; i < count; i++) {
      sum += <f64>load<f32>(closest + (<usize>i << 2));
      store<f64>(sums + (<usize>i << 3), sum);
    }
    let least: f64 = Infinity;
    for (let t = 0; t < trials; t++) {
      state = nextRandom(state);
      const candidate = drawBySum(sums, count, (<f64>state / 4294967296.0) * potential);
      const centre = load<f32>(values + (<usize>candidate << 2));
      let left: f64 = 0;
      for (let i = 0; i < count; i++) {
        const at = <usize>i << 2;
        const d = min(load<f32>(closest + at), squaredDistance(values, i, centre));
        store<f32>(trial + at, d);
        left += <f64>d;
      }
      if (left < least) {
        least = left;
        store<f64>(centroids + (<usize>c << 3), <f64>centre);
        const swap = best;
        best = trial;
        trial = swap;
      }
    }
    potential = least;
    const swap = closest;
    closest = best;
    best = swap;
  }
}

/** Nearest centroid by |c|^2 - 2 x c, which is the squared distance but for |x|^2. */
// @ts-ignore: decorator
@inline
function nearestCentroid(scratch: usize, k: i32, x: f32): i32 {
  let nearest = 0;
  let least: f32 = Infinity;
  for (let c = 0; c < k; c++) {
    const at = <usize>c << 2;
    const distance = load<f32>(scratch + EDGE_SQUARES + at) + x * load<f32>(scratch + EDGE_COUNT + at);
    if (distance < least) {
      least = distance;
      nearest = c;
    }
  }
  return nearest;
}

/** Assigns every value to its nearest centroid, moves the centroids to their means; returns the squared shift. */
function lloydStep(scratch: usize, n: i32, values: usize, count: i32, k: i32): f64 {
  const centroids = scratch + CENTROIDS;
  const sums = scratch + EDGE_SUM; // pairs of sum and count
  memory.fill(sums, 0, <usize>k << 4);
  for (let c = 0; c < k; c++) {
    const centre = <f32>load<f64>(centroids + (<usize>c << 3));
    store<f32>(scratch + EDGE_SQUARES + (<usize>c << 2), centre * centre);
    store<f32>(scratch + EDGE_COUNT + (<usize>c << 2), -2 * centre);
  }
  for (let i = 0; i < count; i++) {
    const x = load<f32>(values + (<usize>i << 2));
    const at = sums + (<usize>nearestCentroid(scratch, k, x) << 4);
    store<f64>(at, load<f64>(at) + <f64>x);
    store<f64>(at, load<f64>(at, 8) + 1, 8);
  }
  for (let c = 0; c < k; c++) {
    if (load<f64>(sums + (<usize>c << 4), 8) > 0) continue;
    relocateEmpty(scratch, n, values, count, k);
    break;
  }
  let shift: f64 = 0;
  for (let c = 0; c < k; c++) {
    const members = load<f64>(sums + (<usize>c << 4), 8);
    if (members == 0) continue;
    const mean = load<f64>(sums + (<usize>c << 4)) / members;
    const moved = mean - load<f64>(centroids + (<usize>c << 3));
    shift += moved * moved;
    store<f64>(centroids + (<usize>c << 3), mean);
  }
  return shift;
}

/** Gives every empty cluster the value farthest from its centroid, the farthest first; nothing where all distances are 0. */
function relocateEmpty(scratch: usize, n: i32, values: usize, count: i32, k: i32): void {
  const sums = scratch + EDGE_SUM;
  const distances = distancesOf(scratch, n);
  for (let i = 0; i < count; i++) {
    const nearest = nearestCentroid(scratch, k, load<f32>(values + (<usize>i << 2)));
    const centre = <f32>load<f64>(scratch + CENTROIDS + (<usize>nearest << 3));
    store<f32>(distances + (<usize>i << 2), squaredDistance(values, i, centre));
  }
  for (let c = 0; c < k; c++) {
    const empty = sums + (<usize>c << 4);
    if (load<f64>(empty, 8) > 0) continue;
    let farthest = 0;
    for (let i = 1; i < count; i++) {
      if (load<f32>(distances + (<usize>i << 2)) > load<f32>(distances + (<usize>farthest << 2))) farthest = i;
    }
    const distance = distances + (<usize>farthest << 2);
    if (!(load<f32>(distance) > 0)) return;
    store<f32>(distance, -1);
    const x = load<f32>(values + (<usize>farthest << 2));
    const from = sums + (<usize>nearestCentroid(scratch, k, x) << 4);
    store<f64>(from, load<f64>(from) - <f64>x);
    store<f64>(from, load<f64>(from, 8) - 1, 8);
    store<f64>(empty, <f64>x);
    store<f64>(empty, 1, 8);
  }
}

function sortCentroids(scratch: usize, k: i32): void {
  const centroids = scratch + CENTROIDS;
  for (let i = 1; i < k; i++) {
    const x = load<f64>(centroids + (<usize>i << 3));
    let at = i - 1;
    while (at >= 0 && load<f64>(centroids + (<usize>at << 3)) > x) {
      store<f64>(centroids + (<usize>(at + 1) << 3), load<f64>(centroids + (<usize>at << 3)));
      at--;
    }
    store<f64>(centroids + (<usize>(at + 1) << 3), x);
  }
}

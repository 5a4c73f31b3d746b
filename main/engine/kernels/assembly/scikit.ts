/**
 * K-Means as the authors' code runs it through scikit-learn, for `--method reference` and as the yardstick of the bench:
 * a greedy k-means++ start (2 + ln k candidates a centroid, Arthur and Vassilvitskii 2007), one initialisation, Lloyd
 * steps over all values until the centroids move by less than 1e-4 of the variance, at most 300.
 */
import { CENTROIDS, EDGE_SUM, distancesOf, sortedOf } from './codebook-scratch';
import { roundToHalf } from './half';

const MAX_STEPS: i32 = 300;
const TOLERANCE: f64 = 1e-4;
const LN_2: f64 = 0.6931471805599453;

/** xorshift32: 24 random bits as a number in [0, 1). */
// @ts-ignore: decorator
@inline
function nextRandom(state: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

export function fitCodebookScikit(scratch: usize, n: i32, from: i32, to: i32, k: i32, codebook: usize, seed: i32): void {
  const values = sortedOf(scratch, n) + (<usize>from << 2);
  const count = to - from;
  if (count <= 0) {
    memory.fill(codebook, 0, <usize>k << 2);
    return;
  }
  const clusters = min(k, count);
  chooseStart(scratch, n, values, count, clusters, seed);
  let mean: f64 = 0;
  let variance: f64 = 0;
  for (let i = 0; i < count; i++) mean += <f64>load<f32>(values + (<usize>i << 2));
  mean /= <f64>count;
  for (let i = 0; i < count; i++) {
    const x = <f64>load<f32>(values + (<usize>i << 2)) - mean;
    variance += x * x;
  }
  const tolerance = (TOLERANCE * variance) / <f64>count;
  for (let step = 0; step < MAX_STEPS; step++) {
    if (lloydStep(scratch, values, count, clusters) <= tolerance) break;
  }
  sortCentroids(scratch, clusters);
  for (let c = 0; c < k; c++) {
    const centroid = load<f64>(scratch + CENTROIDS + (<usize>min(c, clusters - 1) << 3));
    store<f32>(codebook + (<usize>c << 2), roundToHalf(<f32>centroid));
  }
}

// @ts-ignore: decorator
@inline
function squaredDistance(values: usize, i: i32, centre: f32): f32 {
  const difference = load<f32>(values + (<usize>i << 2)) - centre;
  return difference * difference;
}

/** Position at which the running sum of the distances passes `share` of their total. */
function drawByDistance(distances: usize, count: i32, target: f64): i32 {
  let sum: f64 = 0;
  for (let i = 0; i < count; i++) {
    sum += <f64>load<f32>(distances + (<usize>i << 2));
    if (sum >= target) return i;
  }
  return count - 1;
}

function chooseStart(scratch: usize, n: i32, values: usize, count: i32, k: i32, seed: i32): void {
  const distances = distancesOf(scratch, n);
  const centroids = scratch + CENTROIDS;
  let state: u32 = (<u32>seed + 1) * 0x9e3779b1;
  state = nextRandom(state == 0 ? 1 : state);
  const first = <i32>((<u64>state * <u64>count) >> 32);
  store<f64>(centroids, <f64>load<f32>(values + (<usize>first << 2)));
  let potential: f64 = 0;
  for (let i = 0; i < count; i++) {
    const d = squaredDistance(values, i, <f32>load<f64>(centroids));
    store<f32>(distances + (<usize>i << 2), d);
    potential += <f64>d;
  }
  const trials = 2 + <i32>(<f64>(31 - clz(k)) * LN_2); // k is a power of two where it matters
  for (let c = 1; c < k; c++) {
    let best: f64 = Infinity;
    let chosen = 0;
    for (let trial = 0; trial < trials; trial++) {
      state = nextRandom(state);
      const candidate = drawByDistance(distances, count, (<f64>state / 4294967296.0) * potential);
      const centre = load<f32>(values + (<usize>candidate << 2));
      let sum: f64 = 0;
      for (let i = 0; i < count; i++) {
        sum += <f64>min(load<f32>(distances + (<usize>i << 2)), squaredDistance(values, i, centre));
      }
      if (sum < best) {
        best = sum;
        chosen = candidate;
      }
    }
    const centre = load<f32>(values + (<usize>chosen << 2));
    for (let i = 0; i < count; i++) {
      const at = distances + (<usize>i << 2);
      store<f32>(at, min(load<f32>(at), squaredDistance(values, i, centre)));
    }
    potential = best;
    store<f64>(centroids + (<usize>c << 3), <f64>centre);
  }
}

/** Assigns every value to its nearest centroid, moves the centroids to their means; returns the squared shift. */
function lloydStep(scratch: usize, values: usize, count: i32, k: i32): f64 {
  const centroids = scratch + CENTROIDS;
  const sums = scratch + EDGE_SUM; // pairs of sum and count
  memory.fill(sums, 0, <usize>k << 4);
  for (let i = 0; i < count; i++) {
    const x = <f64>load<f32>(values + (<usize>i << 2));
    let nearest = 0;
    let least: f64 = Infinity;
    for (let c = 0; c < k; c++) {
      const difference = x - load<f64>(centroids + (<usize>c << 3));
      const distance = difference * difference;
      if (distance < least) {
        least = distance;
        nearest = c;
      }
    }
    const at = sums + (<usize>nearest << 4);
    store<f64>(at, load<f64>(at) + x);
    store<f64>(at, load<f64>(at, 8) + 1, 8);
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

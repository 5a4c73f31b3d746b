/** Bins of a sorted column, of which the searches for codebooks make clusters. */
import {
  BOUNDS, DENSITY_RUNS, EDGES, EDGE_COUNT, EDGE_SQUARES, EDGE_SUM, RUN_WEIGHT, TAIL_PIECES, sortedOf, squaresOf, sumsOf, weightSumsOf,
} from './codebook-scratch';

/** Widest gap between neighbours among the sorted values at `from` .. `to`, addresses of the first and the last. */
// @ts-ignore: decorator
@inline
function widestGap(from: usize, to: usize): f32 {
  if (to - from < 16) {
    let widest: f32 = 0;
    for (let at = from; at < to; at += 4) widest = max<f32>(widest, load<f32>(at, 4) - load<f32>(at));
    return widest;
  }
  // Four gaps at a time, the last four once more where they do not come out even.
  const last = to - 16;
  let wide = f32x4.sub(v128.load(last, 4), v128.load(last));
  for (let at = from; at < last; at += 16) wide = f32x4.pmax(wide, f32x4.sub(v128.load(at, 4), v128.load(at)));
  wide = f32x4.pmax(wide, i32x4.shuffle(wide, wide, 2, 3, 2, 3));
  return max<f32>(f32x4.extract_lane(wide, 0), f32x4.extract_lane(wide, 1));
}

/**
 * Distance between two of the sorted values, the widest gap between neighbours counted as if it were spread over them all:
 * a gap needs no bins, but an edge.
 */
// @ts-ignore: decorator
@inline
function widthWithoutGap(sorted: usize, from: i32, to: i32): f32 {
  const first = sorted + (<usize>from << 2);
  const last = sorted + (<usize>to << 2);
  const widest = widestGap(first, last);
  return load<f32>(last) - load<f32>(first) - widest + widest / <f32>(to - from);
}

/**
 * Moves each of the edges [from, to) to the widest gap between neighbours that is nearer to it than to any other edge: no
 * bin then lies across the gap between two clusters.
 */
function moveEdgesToGaps(scratch: usize, sorted: usize, from: i32, to: i32): void {
  const edges = scratch + EDGES;
  let previous = load<i32>(edges + (<usize>(from - 1) << 2));
  for (let b = from; b < to; b++) {
    const edge = load<i32>(edges + (<usize>b << 2));
    const next = load<i32>(edges + (<usize>b << 2), 4);
    let at = sorted + (<usize>((previous + edge) >> 1) << 2);
    const last = sorted + (<usize>((edge + next) >> 1) << 2);
    const widest = widestGap(at, last);
    if (widest * 2 > load<f32>(last) - load<f32>(at)) {
      while (load<f32>(at, 4) - load<f32>(at) < widest) at += 4;
      store<i32>(edges + (<usize>b << 2), <i32>((at + 4 - sorted) >> 2));
    }
    previous = edge;
  }
}

/** Cube root of x >= 0 to some parts in 10^5: a guess from the exponent, two Newton steps. */
// @ts-ignore: decorator
@inline
function cubeRoot(x: f32): f32 {
  if (x == 0) return 0;
  let root = reinterpret<f32>(reinterpret<u32>(x) / 3 + 0x2a5137a0);
  root = (2 * root + x / (root * root)) * <f32>0.33333334;
  return (2 * root + x / (root * root)) * <f32>0.33333334;
}

/** First value of a run. No overflow: runs are at most 2^8, and a column of 2^24 values would not fit the kernels' memory. */
// @ts-ignore: decorator
@inline
function runBound(start: i32, length: i32, run: i32, runs: i32): i32 {
  return start + <i32>((<u32>length * <u32>run) / <u32>runs);
}

/**
 * Cuts the sorted values [from, to) into bins: every value its own where there are few; else `tail` single values a side
 * and, between them, `inner` bins of equal mass of density^(1/3), which is how the centroids of a good quantizer lie
 * (Panter and Dite 1951). Returns the number of bins; their edges stand in EDGES, `to` behind the last.
 */
export function cutBins(scratch: usize, n: i32, from: i32, to: i32, inner: i32, tail: i32): i32 {
  const sorted = sortedOf(scratch, n);
  let bins = 0;
  if (to - from <= inner + 2 * tail) {
    for (let i = from; i < to; i++) {
      store<i32>(scratch + EDGES + (<usize>bins << 2), i);
      bins++;
    }
  } else {
    for (let i = from; i < from + tail; i++) {
      store<i32>(scratch + EDGES + (<usize>bins << 2), i);
      bins++;
    }
    const start = from + tail;
    const end = to - tail;
    const length = end - start;
    const runs = min(DENSITY_RUNS, length >> 2);
    let total: f32 = 0;
    let runStart = start;
    for (let r = 0; r < runs; r++) {
      const runEnd = runBound(start, length, r + 1, runs);
      const width = widthWithoutGap(sorted, runStart, runEnd);
      // A run has count c and width d: density c/d, so its mass of density^(1/3) is (c/d)^(1/3) d.
      // The counts are the same but for one, and only ratios matter.
      const root = cubeRoot(width);
      const weight = root * root;
      store<f32>(scratch + RUN_WEIGHT + (<usize>r << 2), weight);
      total += weight;
      runStart = runEnd;
    }
    let previous = start - 1;
    let before: f32 = 0;
    let run = 0;
    let weight = load<f32>(scratch + RUN_WEIGHT);
    for (let b = 0; b < inner; b++) {
      const target = total * (<f32>b / <f32>inner);
      while (run < runs - 1 && before + weight <= target) {
        before += weight;
        run++;
        weight = load<f32>(scratch + RUN_WEIGHT + (<usize>run << 2));
      }
      const a = runBound(start, length, run, runs);
      const z = runBound(start, length, run + 1, runs);
      const part: f32 = weight > 0 ? min<f32>((target - before) / weight, 1) : 0;
      const edge = min(a + <i32>(part * <f32>(z - a)), end - 1);
      if (edge > previous) {
        store<i32>(scratch + EDGES + (<usize>bins << 2), edge);
        bins++;
        previous = edge;
      }
    }
    for (let i = end; i < to; i++) {
      store<i32>(scratch + EDGES + (<usize>bins << 2), i);
      bins++;
    }
    store<i32>(scratch + EDGES + (<usize>bins << 2), to);
    moveEdgesToGaps(scratch, sorted, tail + 1, bins - tail);
  }
  store<i32>(scratch + EDGES + (<usize>bins << 2), to);
  return bins;
}

/**
 * Mass of density^(1/3) between the i-th sorted value and the next, as of a run of one in cutBins; or between their counterparts
 * at the other end, where that is more.
 */
// @ts-ignore: decorator
@inline
function gapWeight(sorted: usize, n: i32, i: i32): f32 {
  const low = sorted + (<usize>i << 2);
  const high = sorted + (<usize>(n - 2 - i) << 2);
  const root = cubeRoot(max<f32>(load<f32>(low, 4) - load<f32>(low), load<f32>(high, 4) - load<f32>(high)));
  return root * root;
}

/** Cuts the values [from, to) of a tail into pieces of equal weight at most; edges behind the `bins` in BOUNDS. Returns how many those are then. */
function cutTail(scratch: usize, n: i32, from: i32, to: i32, bins: i32): i32 {
  const sorted = sortedOf(scratch, n);
  const single = to - from <= TAIL_PIECES;
  let total: f32 = 0;
  for (let i = from; i < to; i++) total += gapWeight(sorted, n, i);
  const most: f32 = total / <f32>TAIL_PIECES;
  const last = bins + TAIL_PIECES;
  let weight: f32 = 0;
  for (let i = from; i < to; i++) {
    if (i == from || single || (weight >= most && total > 0 && bins <= last)) {
      store<i32>(scratch + BOUNDS + (<usize>bins << 2), i);
      bins++;
      weight = 0;
    }
    weight += gapWeight(sorted, n, i);
  }
  return bins;
}

/**
 * Cuts the whole sorted column into bins of which some end wherever the entries that are not reserved begin and end: what is left
 * when most are reserved as cutBins does, and what lies outside of it, from one count to the next, into TAIL_PIECES pieces. Both
 * tails are cut at the same places. Returns the number of bins; their edges stand in EDGES.
 * @param counts entries reserved at each tail (i32), ascending, MAX_TAIL_COUNTS at most; those that leave nothing are passed over
 */
export function cutSharedBins(scratch: usize, n: i32, counts: usize, countCount: i32, inner: i32, tail: i32): i32 {
  const before = scratch + BOUNDS;
  let bins = 0;
  let reserved = 0;
  for (let c = 0; c < countCount; c++) {
    const next = load<i32>(counts + (<usize>c << 2));
    if (next * 2 >= n) break;
    bins = cutTail(scratch, n, reserved, next, bins);
    reserved = next;
  }
  const kept = cutBins(scratch, n, reserved, n - reserved, inner, tail);
  const edges = scratch + EDGES;
  memory.copy(edges + (<usize>bins << 2), edges, (<usize>kept + 1) << 2);
  memory.copy(edges, before, <usize>bins << 2);
  for (let b = 1; b <= bins; b++) {
    store<i32>(edges + (<usize>(bins + kept + b) << 2), n - load<i32>(before + (<usize>(bins - b) << 2)));
  }
  return kept + 2 * bins;
}

/** Which of the edges stands at position `edge`; it is one of them. */
export function findEdge(scratch: usize, bins: i32, edge: i32): i32 {
  let at = 0;
  while (at < bins && load<i32>(scratch + EDGES + (<usize>at << 2)) < edge) at++;
  return at;
}

/**
 * Prefix sums at the edges of the bins: EDGE_SUM, EDGE_SQUARES, EDGE_COUNT.
 * @param weighted whether the sums are of weighted values, and those of the weights stand in the scratch too
 */
export function sumAtEdges(scratch: usize, n: i32, bins: i32, weighted: bool): void {
  const sums = sumsOf(scratch, n);
  const squares = squaresOf(scratch, n);
  const weights = weightSumsOf(scratch, n);
  for (let b = 0; b <= bins; b++) {
    const edge = <usize>load<i32>(scratch + EDGES + (<usize>b << 2));
    const at = <usize>b << 3;
    store<f64>(scratch + EDGE_SUM + at, load<f64>(sums + (edge << 3)));
    store<f64>(scratch + EDGE_SQUARES + at, load<f64>(squares + (edge << 3)));
    store<f64>(scratch + EDGE_COUNT + at, weighted ? load<f64>(weights + (edge << 3)) : <f64>edge);
  }
}

/** Where the codebook search keeps its arrays, inside the scratch space of one thread. */
import { SUB_BLOCK } from './layout';
import { SORT_HISTOGRAM_BYTES } from './sort';

/** Bins of the dynamic programme: a fixed number for small codebooks, some for each centroid of large ones. */
export const INNER_BINS: i32 = 96;
export const INNER_BINS_PER_CENTROID: i32 = 4;
/** Extreme values of each tail that are bins of their own: one of them can be worth a centroid. */
export const TAIL_BINS: i32 = 16;
/** The same where only the errors of many codebooks are wanted, a few percent high, to compare columns. */
export const ESTIMATE_BINS: i32 = 64;
export const ESTIMATE_BINS_PER_CENTROID: i32 = 3;
export const ESTIMATE_TAIL_BINS: i32 = 8;
/** Counts of reserved entries that errors are estimated for at once, and pieces of what lies between two of them. */
const MAX_TAIL_COUNTS: i32 = 8; // The same number stands in ../column-errors.ts.
export const TAIL_PIECES: i32 = 24;
export const MAX_CENTROIDS: i32 = 256;
/** Of an estimate: a few more than of one codebook of 256 centroids. */
export const MAX_BINS: i32 =
  MAX_CENTROIDS * ESTIMATE_BINS_PER_CENTROID + 2 * ESTIMATE_TAIL_BINS + 2 * MAX_TAIL_COUNTS * (TAIL_PIECES + 1);
/** Runs of equal count over which the density is estimated. */
export const DENSITY_RUNS: i32 = 256;

/** Room for MAX_BINS + 1 edges, and for MAX_CENTROIDS + 1 or DENSITY_RUNS numbers, rounded up to a multiple of eight. */
export const EDGE_ROOM: usize = (MAX_BINS + 8) & ~7;
const CENTROID_ROOM: usize = (MAX_CENTROIDS + 8) & ~7;

export const EDGES: usize = 0; // i32 [MAX_BINS + 1]: bin edges as positions among the sorted values
export const EDGE_SUM: usize = EDGES + 4 * EDGE_ROOM; // f64: sum of the values before each edge
export const EDGE_SQUARES: usize = EDGE_SUM + 8 * EDGE_ROOM;
export const EDGE_COUNT: usize = EDGE_SQUARES + 8 * EDGE_ROOM; // f64
export const COST_BEFORE: usize = EDGE_COUNT + 8 * EDGE_ROOM; // f64: best cost of the bins before each edge, one cluster less
export const COST_NOW: usize = COST_BEFORE + 8 * EDGE_ROOM;
export const LAYER_COST: usize = COST_NOW + 8 * EDGE_ROOM; // f32 [MAX_CENTROIDS + 1]: least cost in 1, 2, ... clusters
export const BOUNDS: usize = LAYER_COST + 4 * CENTROID_ROOM; // i32 [MAX_CENTROIDS + 1]: cluster bounds among the sorted values
export const CENTROIDS: usize = BOUNDS + 4 * CENTROID_ROOM; // f64 [MAX_CENTROIDS]
export const RUN_WEIGHT: usize = CENTROIDS + 8 * CENTROID_ROOM; // f32 [DENSITY_RUNS]
export const MIDPOINTS: usize = RUN_WEIGHT + 4 * CENTROID_ROOM; // f32 [MAX_CENTROIDS - 1]: between neighbouring centroids
export const SPLIT: usize = MIDPOINTS + 4 * CENTROID_ROOM; // u16 [MAX_CENTROIDS + 1][MAX_BINS + 1]: last split of each layer
export const HISTOGRAM: usize = SPLIT + 2 * (MAX_CENTROIDS + 1) * EDGE_ROOM;
/** After the fixed part come the arrays as long as a column. */
export const FIXED_BYTES: usize = HISTOGRAM + SORT_HISTOGRAM_BYTES;

/** Bytes a row, in this order: sums and sums of squares (f64), sorted, spare, distances, the columns of a sub-block twice, */
const UNWEIGHTED_ROW_BYTES: usize = 8 + 8 + 4 + 4 + 4 + SUB_BLOCK * (4 + 4);
/** and, where rows weigh differently or entries are reserved by error: sums of weights (f64), all sorted, their rows, two marks. */
const ROW_BYTES: usize = UNWEIGHTED_ROW_BYTES + 8 + 4 + 4 + 2;

export function scratchBytes(n: i32): usize {
  return FIXED_BYTES + stride(n) * ROW_BYTES + 64;
}

// @ts-ignore: decorator
@inline
function stride(n: i32): usize {
  return (<usize>n + 16) & ~15;
}

// @ts-ignore: decorator
@inline
export function sumsOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES;
}

// @ts-ignore: decorator
@inline
export function squaresOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * 8;
}

// @ts-ignore: decorator
@inline
export function sortedOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * 16;
}

// @ts-ignore: decorator
@inline
export function spareOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * 20;
}

/** Distances (f32) of the scikit-learn-style start. */
// @ts-ignore: decorator
@inline
export function distancesOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * 24;
}

/** Current values of a column of the sub-block. */
// @ts-ignore: decorator
@inline
export function columnOf(scratch: usize, n: i32, j: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (28 + <usize>j * 4);
}

/** Original values of a column of the sub-block; once it is quantized, its error. */
// @ts-ignore: decorator
@inline
export function originalOf(scratch: usize, n: i32, j: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (28 + SUB_BLOCK * 4 + <usize>j * 4);
}

/** Sums of the weights (f64) before each of the sorted values. */
// @ts-ignore: decorator
@inline
export function weightSumsOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * UNWEIGHTED_ROW_BYTES;
}

/** All values of a column, sorted; where some are reserved, `sortedOf` has the others. */
// @ts-ignore: decorator
@inline
export function allSortedOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (UNWEIGHTED_ROW_BYTES + 8);
}

/** The row (i32) of each of them. */
// @ts-ignore: decorator
@inline
export function sortedRowsOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (UNWEIGHTED_ROW_BYTES + 12);
}

/** 1 (u8) for each of them that is reserved. */
// @ts-ignore: decorator
@inline
export function reservedOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (UNWEIGHTED_ROW_BYTES + 16);
}

/** The same by row; zero for the rows that fill up the last strip. */
// @ts-ignore: decorator
@inline
export function reservedRowsOf(scratch: usize, n: i32): usize {
  return scratch + FIXED_BYTES + stride(n) * (UNWEIGHTED_ROW_BYTES + 17);
}

/** Bytes of one mark for each row, padding included. */
// @ts-ignore: decorator
@inline
export function markBytes(n: i32): usize {
  return stride(n);
}

/** Errors of codebooks on the original weights: estimates for whole matrices, and the codebooks of a single column. */
import { cutSharedBins, findEdge, sumAtEdges } from './bins';
import {
  ESTIMATE_BINS, ESTIMATE_BINS_PER_CENTROID, ESTIMATE_TAIL_BINS, HISTOGRAM, LAYER_COST, TAIL_PIECES, columnOf, scratchBytes,
  sortedOf, spareOf,
} from './codebook-scratch';
import { fitCodebook, prefixSums } from './codebook';
import { pointer, word } from './layout';
import { costRuns, leastCosts, partitionCostsBytes } from './partition-costs';
import { sortFloats } from './sort';
import { shiftOf, storedValue } from './stored-values';
import { sortWithRows, takeKept } from './weighted-codebook';

/** Bins of what is left of a column when most entries are reserved, beside its ends. */
function innerBins(centroids: i32): i32 {
  return max(ESTIMATE_BINS, centroids * ESTIMATE_BINS_PER_CENTROID);
}

/** Bytes a thread needs for columnErrors. */
export function errorScratchBytes(rows: i32, width: i32, counts: i32): usize {
  const bins = innerBins(1 << width) + 2 * ESTIMATE_TAIL_BINS + 2 * counts * (TAIL_PIECES + 1);
  return scratchBytes(rows) + partitionCostsBytes(bins);
}

/**
 * Squared error of a column under each number of centroids and each count of reserved entries, on the original weights:
 * what the choice of widths and shares weighs.
 * Arguments: 0 matrix [rows][columns], 1 rows, 2 columns, 3 widths (u8, ascending), 4 number of widths, 5 reserved counts
 * a tail (i32, ascending), 6 number of counts (at most MAX_TAIL_COUNTS), 7 errors (f64 [columns][counts][widths]), 8 dtype of the matrix, 9 what the rows are
 * divided by and 10 what their squared errors then weigh (f32 [rows]); 0 for 1.
 */
export function columnErrors(args: usize, column: i32, scratch: usize): void {
  const dtype = word(args, 8);
  const rows = word(args, 1);
  const columns = word(args, 2);
  const widths = pointer(args, 3);
  const widthCount = word(args, 4);
  const counts = pointer(args, 5);
  const countCount = word(args, 6);
  const values = columnOf(scratch, rows, 0);
  const rowBytes = <usize>columns << shiftOf(dtype);
  let at = pointer(args, 0) + (<usize>column << shiftOf(dtype));
  for (let row = 0; row < rows; row++) {
    store<f32>(values + (<usize>row << 2), storedValue(dtype, at));
    at += rowBytes;
  }
  const rowScales = pointer(args, 9);
  const rowWeights = pointer(args, 10);
  const weighted = rowWeights != 0;
  if (rowScales != 0) {
    for (let row = 0; row < rows; row++) {
      const value = values + (<usize>row << 2);
      store<f32>(value, load<f32>(value) / load<f32>(rowScales + (<usize>row << 2)));
    }
  }
  if (weighted) {
    sortWithRows(scratch, rows, values);
    takeKept(scratch, rows, rowWeights);
  } else {
    sortFloats(values, rows, sortedOf(scratch, rows), spareOf(scratch, rows), scratch + HISTOGRAM);
    prefixSums(scratch, rows);
  }
  const largest = 1 << <i32>load<u8>(widths + <usize>(widthCount - 1));
  const room = scratch + scratchBytes(rows);
  const bins = cutSharedBins(scratch, rows, counts, countCount, innerBins(largest), ESTIMATE_TAIL_BINS);
  sumAtEdges(scratch, rows, bins, weighted);
  costRuns(scratch, bins, room);
  const least = scratch + LAYER_COST;
  for (let r = 0; r < countCount; r++) {
    const reserved = load<i32>(counts + (<usize>r << 2));
    let reached = 0;
    if (reserved * 2 < rows) {
      const from = findEdge(scratch, bins, reserved);
      reached = leastCosts(room, bins, from, findEdge(scratch, bins, rows - reserved), largest, least);
    }
    for (let w = 0; w < widthCount; w++) {
      const clusters = min(1 << <i32>load<u8>(widths + <usize>w), reached);
      const error: f64 = clusters > 0 ? <f64>load<f32>(least + (<usize>clusters << 2)) : 0;
      const cell = (<usize>column * <usize>countCount + <usize>r) * <usize>widthCount + <usize>w;
      store<f64>(pointer(args, 7) + (cell << 3), error);
    }
  }
}

/**
 * Codebooks of neighbouring widths for one column, and their errors over what is not reserved.
 * Arguments: 0 values (f32 [rows]), 1 rows, 2 reserved entries a tail, 3 first width, 4 number of widths, 5 centroids that a
 * codebook has room for, 6 sorted values (f32 [rows]), 7 codebooks (f32 [widths][room]), 8 errors (f64 [widths]).
 */
export function fitWidths(args: usize, scratch: usize): void {
  const rows = word(args, 1);
  const sorted = sortedOf(scratch, rows);
  sortFloats(pointer(args, 0), rows, sorted, spareOf(scratch, rows), scratch + HISTOGRAM);
  prefixSums(scratch, rows);
  const from = word(args, 2);
  const to = rows - from;
  for (let w = 0; w < word(args, 4); w++) {
    const centroids = 1 << (word(args, 3) + w);
    const codebook = pointer(args, 7) + (<usize>(w * word(args, 5)) << 2);
    fitCodebook(scratch, rows, from, to, centroids, codebook);
    store<f64>(pointer(args, 8) + (<usize>w << 3), nearestErrors(sorted, from, to, codebook, centroids));
  }
  memory.copy(pointer(args, 6), sorted, <usize>rows << 2);
}

/** Sum of squared distances of the sorted values [from, to) from their nearest centroids, which ascend. */
function nearestErrors(sorted: usize, from: i32, to: i32, codebook: usize, centroids: i32): f64 {
  let error: f64 = 0;
  let nearest = codebook;
  const last = codebook + (<usize>(centroids - 1) << 2);
  for (let i = from; i < to; i++) {
    const value = load<f32>(sorted + (<usize>i << 2));
    while (nearest < last && value > load<f32>(nearest) * 0.5 + load<f32>(nearest, 4) * 0.5) nearest += 4;
    const distance = <f64>value - <f64>load<f32>(nearest);
    error += distance * distance;
  }
  return error;
}

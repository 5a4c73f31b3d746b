/** Errors of codebooks on the original weights: estimates for whole matrices, and the codebooks of a single column. */
import {
  ESTIMATE_BINS, ESTIMATE_BINS_PER_CENTROID, ESTIMATE_TAIL_BINS, HISTOGRAM, LAYER_COST, columnOf, sortedOf, spareOf,
} from './codebook-scratch';
import { fitCodebook, partition, prefixSums } from './codebook';
import { pointer, word } from './layout';
import { sortFloats } from './sort';
import { shiftOf, storedValue } from './stored-values';
import { sortWithRows, takeKept } from './weighted-codebook';

/**
 * Squared error of a column under each number of centroids and each count of reserved entries, on the original weights:
 * what the choice of widths and shares weighs.
 * Arguments: 0 matrix [rows][columns], 1 rows, 2 columns, 3 widths (u8, ascending), 4 number of widths, 5 reserved counts
 * a tail (i32), 6 number of counts, 7 errors (f64 [columns][counts][widths]), 8 dtype of the matrix, 9 what the rows are
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
  const inner = max(ESTIMATE_BINS, largest * ESTIMATE_BINS_PER_CENTROID);
  for (let r = 0; r < countCount; r++) {
    const reserved = load<i32>(counts + (<usize>r << 2));
    const reached = reserved * 2 < rows ? partition(scratch, rows, reserved, rows - reserved, largest, inner, ESTIMATE_TAIL_BINS, weighted) : 0;
    for (let w = 0; w < widthCount; w++) {
      const clusters = min(1 << <i32>load<u8>(widths + <usize>w), reached);
      const error: f64 = clusters > 0 ? load<f64>(scratch + LAYER_COST + (<usize>clusters << 3)) : 0;
      const cell = (<usize>column * <usize>countCount + <usize>r) * <usize>widthCount + <usize>w;
      store<f64>(pointer(args, 7) + (cell << 3), max<f64>(error, 0));
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

/** The error-compensating column loop: one block of columns at a time, and the update of the blocks behind it. */
import {
  BLOCK, BLOCK_PANELS_BYTES, BLOCK_PANEL_BYTES, BLOCK_STRIP_BYTES, PANEL, PANELS_PER_BLOCK, STRIP,
  STRIP_BYTES, SUB_BLOCK, pointer, word,
} from './layout';
import { Column, assignCodebook, assignGrid } from './assign';
import { HISTOGRAM, MIDPOINTS, columnOf, originalOf, reservedRowsOf, sortedOf, spareOf } from './codebook-scratch';
import { fitCodebook, prefixSums } from './codebook';
import { fitCodebookScikit } from './scikit';
import { microKernel } from './micro-kernel';
import { sortFloats } from './sort';
import { carryError, putErrors, takeColumns } from './sub-block';
import { fitKept } from './weighted-codebook';

// Arguments of quantizeBlock and compensateBlock, as words. The same list stands in main/engine/claq/loop-job.ts.
const ORIGINAL = 0; // weights in the order of processing, blocked layout
const ERROR = 1; // before a column is quantized: its correction so far; afterwards: original - quantized
const FACTOR = 2; // panels of U
const D = 3; // f64 [padded columns]
const ROWS = 4;
const COLUMNS = 5;
const PADDED_COLUMNS = 6;
const WIDTHS = 7; // u8 [columns]
const RESERVED_LOW = 8; // i32 [columns]
const RESERVED_HIGH = 9; // i32 [columns]
const CODES = 10; // u8 [columns][padded rows]
const CODEBOOK_START = 11; // i32 [columns]: first centroid of each column
const CODEBOOKS = 12; // f32
const RESERVED_START = 13; // i32 [columns]
const RESERVED_ROWS = 14; // i32
const RESERVED_VALUES = 15; // f32
const LOSSES = 16; // f64 [columns]
const FLAGS = 17;
const SEED = 18;
const SCALES = 19; // f32 [groups][padded rows]
const ZEROS = 20; // f32 [groups][padded rows]
const GROUPS = 21; // i32 [columns]
const ROW_SCALES = 22; // f32 [padded rows], or 0: what the rows were divided by
const ROW_WEIGHTS = 23; // f32 [padded rows], or 0: what squared errors weigh
const BYTE_CENTROIDS = 24; // codebooks of up to so many have their centroids in eight bits; these need row weights

const FLAG_FIT_ALL = 1;
const FLAG_SCIKIT = 2;
const FLAG_GRID = 4;
const FLAG_NO_COMPENSATION = 8;
const FLAG_REFINE = 32; // codebooks begin from those that are there
const FLAG_WORST_RESERVED = 16; // the entries that the codebook serves worst are reserved, not the tails

// @ts-ignore: decorator
@inline
function paddedRows(rows: i32): i32 {
  return (rows + STRIP - 1) & ~(STRIP - 1);
}

/**
 * Copies one strip of a row-major matrix into the blocked layout, columns in the order of processing. A strip of all blocks,
 * since a block's columns lie anywhere in the rows: so these stay in the cache until all blocks have taken theirs.
 * Arguments: 0 some rows of the matrix [][columns], 1 blocked, 2 rows of the matrix, 3 columns, 4 order (i32), 5 dead (u8 by
 * column): such a column becomes zero, 6 the strip that the rows begin with, 7 its corrections, which become zero.
 */
export function arrangeWeights(args: usize, index: i32): void {
  const matrix = pointer(args, 0);
  const rows = word(args, 2);
  const columns = word(args, 3);
  const order = pointer(args, 4);
  const dead = pointer(args, 5);
  const strips = paddedRows(rows) / STRIP;
  const blocks = (columns + BLOCK - 1) / BLOCK;
  const strip = word(args, 6) + index;
  const lanes = min(STRIP, rows - strip * STRIP);
  const first = matrix + ((<usize>(index * STRIP) * <usize>columns) << 2);
  for (let position = 0; position < blocks * BLOCK; position++) {
    const cell =
      pointer(args, 1) +
      (<usize>(position / BLOCK) * <usize>strips + <usize>strip) * BLOCK_STRIP_BYTES +
      <usize>(position % BLOCK) * STRIP_BYTES;
    v128.store(cell, i32x4.splat(0));
    v128.store(cell, i32x4.splat(0), 16);
    const correction = cell - pointer(args, 1) + pointer(args, 7);
    v128.store(correction, i32x4.splat(0));
    v128.store(correction, i32x4.splat(0), 16);
    if (position >= columns) continue;
    const column = load<i32>(order + (<usize>position << 2));
    if (load<u8>(dead + <usize>column)) continue;
    let at = first + (<usize>column << 2);
    for (let lane = 0; lane < lanes; lane++) {
      store<f32>(cell + (<usize>lane << 2), load<f32>(at));
      at += <usize>columns << 2;
    }
  }
}

/** Entries equal to `threshold` among the sorted values [from, to). */
function countEqual(sorted: usize, from: i32, to: i32, threshold: f32): i32 {
  let count = 0;
  for (let i = from; i < to; i++) count += i32(load<f32>(sorted + (<usize>i << 2)) == threshold);
  return count;
}

/** Quantizes the block's columns one after another. All blocks before it have been applied to it. */
export function quantizeBlock(args: usize, block: i32, scratch: usize): void {
  const rows = word(args, ROWS);
  const strips = paddedRows(rows) / STRIP;
  const columns = min(BLOCK, word(args, COLUMNS) - block * BLOCK);
  const base = <usize>block * <usize>strips * BLOCK_STRIP_BYTES;
  const original = pointer(args, ORIGINAL) + base;
  const error = pointer(args, ERROR) + base;
  const blocks = word(args, PADDED_COLUMNS) / BLOCK;
  const panels = pointer(args, FACTOR) + <usize>(block * blocks + block) * BLOCK_PANELS_BYTES;
  const compensating = (word(args, FLAGS) & FLAG_NO_COMPENSATION) == 0;
  for (let sub = 0; sub < columns; sub += SUB_BLOCK) {
    const count = min(SUB_BLOCK, columns - sub);
    if (compensating) compensateSubBlock(panels, error, sub, strips);
    takeColumns(original, compensating ? error : 0, strips, sub, count, scratch, rows);
    for (let j = 0; j < count; j++) {
      quantizeColumn(args, block, sub + j, scratch, strips);
      if (compensating) carryError(panels, sub, j, count, strips, scratch, rows);
    }
    putErrors(error, strips, sub, count, scratch, rows);
  }
}

/** Adds what the columns of the block before `sub` left over to the corrections of the sub-block. */
function compensateSubBlock(panels: usize, error: usize, sub: i32, strips: i32): void {
  const first = sub / PANEL;
  const end = first + SUB_BLOCK / PANEL;
  for (let strip = 0; strip < strips; strip++) {
    const at = error + <usize>strip * BLOCK_STRIP_BYTES;
    for (let panel = first; panel < end; panel++) {
      microKernel(panels + <usize>panel * BLOCK_PANEL_BYTES, at, at + <usize>(panel * PANEL) * STRIP_BYTES, STRIP_BYTES, sub);
    }
  }
}

function quantizeColumn(args: usize, block: i32, j: i32, scratch: usize, strips: i32): void {
  const rows = word(args, ROWS);
  const position = block * BLOCK + j;
  const at4 = <usize>position << 2;
  const flags = word(args, FLAGS);
  const width = <i32>load<u8>(pointer(args, WIDTHS) + <usize>position);
  const values = columnOf(scratch, rows, j % SUB_BLOCK);
  // The column's description stands where the sort keeps its histograms: they are not needed at the same time.
  const column = changetype<Column>(scratch + HISTOGRAM);
  const low = load<i32>(pointer(args, RESERVED_LOW) + at4);
  const high = load<i32>(pointer(args, RESERVED_HIGH) + at4);
  const reserving = low + high > 0;
  const grid = (flags & FLAG_GRID) != 0;
  const rowWeights = pointer(args, ROW_WEIGHTS);
  const worstReserved = (flags & FLAG_WORST_RESERVED) != 0;
  const refine = (flags & FLAG_REFINE) != 0;
  const marking = worstReserved || refine || rowWeights != 0;
  const sorted = sortedOf(scratch, rows);
  const codebook = pointer(args, CODEBOOKS) + (<usize>load<i32>(pointer(args, CODEBOOK_START) + at4) << 2);
  if (marking) {
    const inBytes = 1 << width <= word(args, BYTE_CENTROIDS);
    fitKept(scratch, rows, values, rowWeights, low, high, worstReserved, refine, 1 << width, codebook, inBytes);
  } else if (!grid || reserving) {
    sortFloats(values, rows, sorted, spareOf(scratch, rows), scratch + HISTOGRAM);
  }
  if (!grid && !marking) {
    const fitAll = (flags & FLAG_FIT_ALL) != 0;
    const from = fitAll ? 0 : low;
    const to = fitAll ? rows : rows - high;
    if (flags & FLAG_SCIKIT) {
      fitCodebookScikit(scratch, values, rows, from, to, 1 << width, codebook, word(args, SEED));
    } else {
      prefixSums(scratch, rows);
      fitCodebook(scratch, rows, from, to, 1 << width, codebook);
    }
  }
  column.rows = rows;
  column.strips = strips;
  column.values = values;
  column.original = originalOf(scratch, rows, j % SUB_BLOCK);
  column.codes = pointer(args, CODES) + <usize>position * <usize>(strips * STRIP);
  column.codebook = codebook;
  column.centroids = 1 << width;
  column.reservedLow = low;
  column.reservedHigh = high;
  column.lowThreshold = -Infinity;
  column.highThreshold = Infinity;
  column.lowTies = 0;
  column.highTies = 0;
  column.marks = marking ? reservedRowsOf(scratch, rows) : 0;
  column.rowScales = pointer(args, ROW_SCALES);
  if (low > 0 && !marking) {
    column.lowThreshold = load<f32>(sorted + (<usize>(low - 1) << 2));
    column.lowTies = countEqual(sorted, 0, low, column.lowThreshold);
  }
  if (high > 0 && !marking) {
    column.highThreshold = load<f32>(sorted + (<usize>(rows - high) << 2));
    column.highTies = countEqual(sorted, rows - high, rows, column.highThreshold);
  }
  const reservedAt = <usize>load<i32>(pointer(args, RESERVED_START) + at4) << 2;
  column.reservedRows = pointer(args, RESERVED_ROWS) + reservedAt;
  column.reservedValues = pointer(args, RESERVED_VALUES) + reservedAt;
  let squared: f64;
  if (grid) {
    const group = <usize>load<i32>(pointer(args, GROUPS) + at4) * <usize>(strips * STRIP * 4);
    column.scales = pointer(args, SCALES) + group;
    column.zeros = pointer(args, ZEROS) + group;
    squared = assignGrid(column, width);
  } else {
    squared = assignCodebook(column, scratch + MIDPOINTS);
  }
  const d = load<f64>(pointer(args, D) + (<usize>position << 3));
  store<f64>(pointer(args, LOSSES) + (<usize>position << 3), squared * d * 0.5);
}

/** Adds what the quantized block `source` left over to the corrections of the block `target` behind it. */
export function compensateBlock(args: usize, source: i32, target: i32): void {
  if (word(args, FLAGS) & FLAG_NO_COMPENSATION) return;
  const strips = paddedRows(word(args, ROWS)) / STRIP;
  const blocks = word(args, PADDED_COLUMNS) / BLOCK;
  const error = pointer(args, ERROR);
  const from = error + <usize>source * <usize>strips * BLOCK_STRIP_BYTES;
  const to = error + <usize>target * <usize>strips * BLOCK_STRIP_BYTES;
  const panels = pointer(args, FACTOR) + (<usize>source * <usize>blocks + <usize>target) * BLOCK_PANELS_BYTES;
  for (let strip = 0; strip < strips; strip++) {
    const b = from + <usize>strip * BLOCK_STRIP_BYTES;
    const c = to + <usize>strip * BLOCK_STRIP_BYTES;
    for (let panel = 0; panel < PANELS_PER_BLOCK; panel++) {
      microKernel(panels + <usize>panel * BLOCK_PANEL_BYTES, b, c + <usize>(panel * PANEL) * STRIP_BYTES, STRIP_BYTES, BLOCK);
    }
  }
}

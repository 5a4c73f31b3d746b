/**
 * A stripe of a matrix's columns, some rows at a time: these are copied next to each other, so that they stay in the
 * first-level cache however long the matrix's rows are (where their length is a power of two, all of them fall into the same
 * few places of the cache).
 */
import { pointer, word } from './layout';

// Words that the arguments of every kernel on stripes begin with. The same list stands in ../column-statistics.ts.
const MATRIX = 0; // [rows][columns]
export const DTYPE = 1;
const ROWS = 2;
const COLUMNS = 3;
const STRIPE_COLUMNS = 4; // a multiple of VECTOR_COLUMNS, at most BLOCK_BYTES / 4

/** Columns are taken this many at a time; where a stripe's are not as many, zeros make up for it. */
export const VECTOR_COLUMNS: i32 = 8;
/** Rows that stand in the cache at a time. */
export const BLOCK_BYTES: usize = 16384;

// @ts-ignore: decorator
@inline
export function rowsOf(args: usize): i32 {
  return word(args, ROWS);
}

// @ts-ignore: decorator
@inline
export function firstColumn(args: usize, stripe: i32): i32 {
  return stripe * word(args, STRIPE_COLUMNS);
}

/** Columns of a stripe with the zeros behind them. */
// @ts-ignore: decorator
@inline
export function paddedColumns(args: usize, stripe: i32): i32 {
  return (columnsOf(args, stripe) + VECTOR_COLUMNS - 1) & ~(VECTOR_COLUMNS - 1);
}

// @ts-ignore: decorator
@inline
function columnsOf(args: usize, stripe: i32): i32 {
  return min(word(args, STRIPE_COLUMNS), word(args, COLUMNS) - firstColumn(args, stripe));
}

/**
 * Copies rows [row, row + count) of a stripe to `block`, [count][padded columns]. What is behind the columns stays as it is.
 * @param shift an element has 1 << shift bytes
 */
export function takeRows(args: usize, stripe: i32, shift: usize, row: i32, count: i32, block: usize): void {
  const rowBytes = <usize>word(args, COLUMNS) << shift;
  const bytes = <usize>columnsOf(args, stripe) << shift;
  const whole = bytes & ~15;
  const step = <usize>paddedColumns(args, stripe) << shift;
  let from = pointer(args, MATRIX) + <usize>row * rowBytes + (<usize>firstColumn(args, stripe) << shift);
  let to = block;
  for (let i = 0; i < count; i++) {
    for (let at: usize = 0; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (let at = whole; at < bytes; at += 2) store<u16>(to + at, load<u16>(from + at));
    from += rowBytes;
    to += step;
  }
}

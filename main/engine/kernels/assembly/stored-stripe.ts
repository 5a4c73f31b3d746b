/** A stripe of a matrix's columns, in the bytes that the matrix is stored as. */
import { pointer, word } from './layout';

// Words that the arguments of every kernel on stripes begin with. The same list stands in ../column-statistics.ts.
const MATRIX = 0; // [rows][columns]
export const DTYPE = 1;
const ROWS = 2;
const COLUMNS = 3;
const STRIPE_COLUMNS = 4;

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

// @ts-ignore: decorator
@inline
export function columnsOf(args: usize, stripe: i32): i32 {
  return min(word(args, STRIPE_COLUMNS), word(args, COLUMNS) - firstColumn(args, stripe));
}

/**
 * Where a stripe's first row begins.
 * @param shift an element has 1 << shift bytes
 */
// @ts-ignore: decorator
@inline
export function stripeAt(args: usize, stripe: i32, shift: usize): usize {
  return pointer(args, MATRIX) + (<usize>firstColumn(args, stripe) << shift);
}

/** Bytes from one row of a stripe to the next. */
// @ts-ignore: decorator
@inline
export function rowBytesOf(args: usize, shift: usize): usize {
  return <usize>word(args, COLUMNS) << shift;
}

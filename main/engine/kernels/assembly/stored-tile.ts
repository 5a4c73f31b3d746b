/**
 * Some rows of some columns of a stored matrix as float32, next to each other: they stay in the first-level cache, where they
 * are read column by column (in the matrix, rows whose length is a power of two all fall into the same few places of the cache).
 */
import { BF16, F16, F32, shiftOf, storedValue } from './stored-values';

/** A tile has 8 KiB. The same number stands in ../column-statistics.ts. */
export const TILE_ROWS: i32 = 32;
export const TILE_COLUMNS: i32 = 64;
export const TILE_ROW_BYTES: usize = TILE_COLUMNS * 4;

/** Columns of a tile are taken this many at a time; zeros stand behind the last ones. */
export const TILE_VECTOR: i32 = 4;

/** From the bias of a half's exponent to float32's, where the upper 16 bits of a float32 have its exponent. */
const BIAS: u32 = 112 << 7;
const BIASES: u32 = (BIAS << 16) | BIAS;
const MAGNITUDE: u32 = 0x7fff7fff;
/** The smallest half with a leading one, 2^-14, as a float32; and 2, with which it is multiplied in one go. */
const MINUS_SMALLEST: u32 = 0xb8800000;
const TWO: u32 = 0x40000000;

/** In memory, because V8 makes vector constants anew in every turn of a loop. */
const CONSTANTS = memory.data<u32>(
  [
    MAGNITUDE, MAGNITUDE, MAGNITUDE, MAGNITUDE,
    BIASES, BIASES, BIASES, BIASES,
    MINUS_SMALLEST, MINUS_SMALLEST, MINUS_SMALLEST, MINUS_SMALLEST,
    TWO, TWO, TWO, TWO,
  ],
  16,
);

/**
 * @param from the first element
 * @param rowBytes from one row of the matrix to the next
 * @param rows at most TILE_ROWS
 * @param columns at most TILE_COLUMNS
 * @param tile f32 [TILE_ROWS][TILE_COLUMNS]
 */
export function takeTile(dtype: i32, from: usize, rowBytes: usize, rows: i32, columns: i32, tile: usize): void {
  const whole = columns & ~7;
  for (let row = 0; row < rows; row++) {
    if (dtype == F16) takeF16(from, whole, tile);
    else if (dtype == BF16) takeBF16(from, whole, tile);
    else takeF32(from, whole, tile);
    if (whole < columns) takeLast(dtype, from, whole, columns, tile);
    from += rowBytes;
    tile += TILE_ROW_BYTES;
  }
}

/** Columns from `column` on one by one, and zeros up to a whole vector. */
function takeLast(dtype: i32, from: usize, column: i32, columns: i32, to: usize): void {
  for (; column < columns; column++) {
    store<f32>(to + (<usize>column << 2), storedValue(dtype, from + (<usize>column << shiftOf(dtype))));
  }
  for (; column % TILE_VECTOR != 0; column++) store<f32>(to + (<usize>column << 2), 0);
}

function takeF32(from: usize, columns: i32, to: usize): void {
  for (let column = 0; column < columns; column += 8) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
    from += 32;
    to += 32;
  }
}

function takeBF16(from: usize, columns: i32, to: usize): void {
  const zeros = i32x4.splat(0);
  for (let column = 0; column < columns; column += 8) {
    const halves = v128.load(from);
    v128.store(to, lowPairs(zeros, halves));
    v128.store(to, highPairs(zeros, halves), 16);
    from += 16;
    to += 32;
  }
}

function takeF16(from: usize, columns: i32, to: usize): void {
  const zeros = i32x4.splat(0);
  const magnitude = v128.load(CONSTANTS);
  const biases = v128.load(CONSTANTS, 16);
  const minusSmallest = v128.load(CONSTANTS, 32);
  const two = v128.load(CONSTANTS, 48);
  for (let column = 0; column < columns; column += 8) {
    const halves = v128.load(from);
    const signs = v128.andnot(halves, magnitude);
    // The two 16-bit halves of the float32 magnitudes.
    const upper = i16x8.add(i16x8.shr_u(v128.and(halves, magnitude), 3), biases);
    const lower = i16x8.shl(halves, 13);
    const low = withoutLeadingOne(lowPairs(lower, upper), minusSmallest, two);
    const high = withoutLeadingOne(highPairs(lower, upper), minusSmallest, two);
    v128.store(to, v128.or(low, lowPairs(zeros, signs)));
    v128.store(to, v128.or(high, highPairs(zeros, signs)), 16);
    from += 16;
    to += 32;
  }
}

/**
 * Where a half's exponent is 0 it has no leading one, but its float32 came out as x = 2^-15 (1 + m) instead of 2^-14 m, which
 * is 2 x - 2^-14. That is less than x there, and at least x wherever there is a leading one: so the smaller one is right.
 * A multiplication by 2^112 would do without, but processors take their time over numbers as small as those before it.
 */
// @ts-ignore: decorator
@inline
function withoutLeadingOne(x: v128, minusSmallest: v128, two: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.pmin(f32x4.relaxed_madd(x, two, minusSmallest), x);
  return f32x4.pmin(f32x4.add(f32x4.mul(x, two), minusSmallest), x);
}

/** Lanes of 32 bits, of which the first operand has the lower 16, the second the upper: the first four of eight. */
// @ts-ignore: decorator
@inline
function lowPairs(lower: v128, upper: v128): v128 {
  return i16x8.shuffle(lower, upper, 0, 8, 1, 9, 2, 10, 3, 11);
}

// @ts-ignore: decorator
@inline
function highPairs(lower: v128, upper: v128): v128 {
  return i16x8.shuffle(lower, upper, 4, 12, 5, 13, 6, 14, 7, 15);
}

/**
 * Entries of each column at or above each of many levels. Magnitudes of IEEE formats are ordered as their bit patterns, sign
 * cleared, so levels come as patterns and comparing them is comparing integers. Vectors find the entries above the lowest
 * level, which few are; these are counted one by one, each at the highest level that it reaches.
 */
import { pointer, word } from './layout';
import { DTYPE, columnsOf, firstColumn, rowBytesOf, rowsOf, stripeAt } from './stored-stripe';
import { F32 } from './stored-values';

/** All bits but the sign, of eight halves and of four float32. In memory, because V8 makes vector constants anew in loops. */
const MAGNITUDES = memory.data<u32>(
  [0x7fff7fff, 0x7fff7fff, 0x7fff7fff, 0x7fff7fff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff],
  16,
);

// Arguments of columnOutliers, as words, behind those of stored-stripe.ts. The same list stands in ../column-statistics.ts.
const BOUNDS = 5; // i32 [levels + 1], ascending: an entry is at a level when its pattern is above the bound; the last has none
const LEVELS = 6; // at least 1
const LEVELS_BELOW = 7; // u16 [2^15]: bounds that a pattern is above; float32's upper half stands for the lowest pattern with it
const COUNTS = 8; // u32 [levels][columns, padded to whole vectors]
const COUNT_COLUMNS = 9; // columns of the counts

/** Entries of a row that one mask says of whether they are above the lowest level. */
const MASKED: i32 = 64;

/** The columns of a stripe. */
export function columnOutliers(args: usize, stripe: i32): void {
  clear(args, stripe);
  if (word(args, DTYPE) == F32) countHighest<i32>(args, stripe);
  else countHighest<i16>(args, stripe);
  addFromAbove(args, stripe);
}

function clear(args: usize, stripe: i32): void {
  let counts = countsOf(args, stripe);
  for (let level = 0; level < word(args, LEVELS); level++) {
    memory.fill(counts, 0, <usize>columnsOf(args, stripe) << 2);
    counts += levelBytesOf(args);
  }
}

/** Where a stripe's counts of the lowest level begin. */
// @ts-ignore: decorator
@inline
function countsOf(args: usize, stripe: i32): usize {
  return pointer(args, COUNTS) + (<usize>firstColumn(args, stripe) << 2);
}

/** Bytes from one level's counts to the next one's. */
// @ts-ignore: decorator
@inline
function levelBytesOf(args: usize): usize {
  return <usize>word(args, COUNT_COLUMNS) << 2;
}

/** Counts each entry at the highest level that it reaches. */
// @ts-ignore: decorator
@inline
function countHighest<T>(args: usize, stripe: i32): void {
  const shift: usize = sizeof<T>() == 2 ? 1 : 2;
  const rows = rowsOf(args);
  const columns = columnsOf(args, stripe);
  const rowBytes = rowBytesOf(args, shift);
  const bounds = pointer(args, BOUNDS);
  const levelsBelow = pointer(args, LEVELS_BELOW);
  const levelBytes = levelBytesOf(args);
  const counts = countsOf(args, stripe);
  const whole = columns & ~(MASKED - 1);
  const magnitude = sizeof<T>() == 2 ? v128.load(MAGNITUDES) : v128.load(MAGNITUDES, 16);
  const lowest = v128.splat<T>(<T>load<i32>(bounds));
  let start = stripeAt(args, stripe, shift);
  for (let row = 0; row < rows; row++) {
    let at = start;
    let counters = counts;
    for (let column = 0; column < whole; column += MASKED) {
      let mask = sixteenAbove<T>(at, magnitude, lowest);
      mask |= sixteenAbove<T>(at + (16 << shift), magnitude, lowest) << 16;
      mask |= sixteenAbove<T>(at + (32 << shift), magnitude, lowest) << 32;
      mask |= sixteenAbove<T>(at + (48 << shift), magnitude, lowest) << 48;
      for (; mask != 0; mask &= mask - 1) {
        const i = <usize>ctz(mask);
        const level = levelOf<T>(at + (i << shift), bounds, levelsBelow);
        countOne(counters + (i << 2) + (level - 1) * levelBytes);
      }
      at += MASKED << shift;
      counters += MASKED << 2;
    }
    for (let column = whole; column < columns; column++) {
      const level = levelOf<T>(at, bounds, levelsBelow);
      if (level > 0) countOne(counters + (level - 1) * levelBytes);
      at += 1 << shift;
      counters += 4;
    }
    start += rowBytes;
  }
}

/** A bit for each of sixteen entries: whether its magnitude is above a bound. */
// @ts-ignore: decorator
@inline
function sixteenAbove<T>(at: usize, magnitude: v128, bound: v128): u64 {
  const first = above<T>(at, magnitude, bound);
  const second = above<T>(at + 16, magnitude, bound);
  if (sizeof<T>() == 2) return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(first, second));
  const third = above<T>(at + 32, magnitude, bound);
  const fourth = above<T>(at + 48, magnitude, bound);
  const low = i16x8.narrow_i32x4_s(first, second);
  const high = i16x8.narrow_i32x4_s(third, fourth);
  return <u64>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

// @ts-ignore: decorator
@inline
function above<T>(at: usize, magnitude: v128, bound: v128): v128 {
  return v128.gt<T>(v128.and(v128.load(at), magnitude), bound);
}

/** How many levels an entry reaches. */
// @ts-ignore: decorator
@inline
function levelOf<T>(at: usize, bounds: usize, levelsBelow: usize): usize {
  if (sizeof<T>() == 2) return <usize>load<u16>(levelsBelow + (<usize>(load<u16>(at) & 0x7fff) << 1));
  const pattern = load<i32>(at) & 0x7fffffff;
  let level = <usize>load<u16>(levelsBelow + (<usize>(pattern >> 16) << 1));
  while (pattern > load<i32>(bounds + (level << 2))) level++;
  return level;
}

// @ts-ignore: decorator
@inline
function countOne(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** An entry at a level is at all levels below it, too. What vectors add behind the last column is nobody's. */
function addFromAbove(args: usize, stripe: i32): void {
  const levelBytes = levelBytesOf(args);
  const bytes = <usize>columnsOf(args, stripe) << 2;
  let counts = countsOf(args, stripe) + <usize>(word(args, LEVELS) - 1) * levelBytes;
  for (let level = word(args, LEVELS) - 1; level > 0; level--) {
    const above = counts;
    counts -= levelBytes;
    for (let at: usize = 0; at < bytes; at += 16) {
      v128.store(counts + at, i32x4.add(v128.load(counts + at), v128.load(above + at)));
    }
  }
}

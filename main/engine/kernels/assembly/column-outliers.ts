/**
 * Entries of each column at or above each of many levels. Magnitudes of IEEE formats are ordered as their bit patterns, sign
 * cleared, so levels come as patterns and comparing them is comparing integers, eight of a half precision at a time.
 */
import { pointer, word } from './layout';
import { BLOCK_BYTES, DTYPE, firstColumn, paddedColumns, rowsOf, takeRows } from './stored-stripe';
import { F32 } from './stored-values';

/** Levels are counted in tiers, without a branch; only where something in a few rows goes beyond a tier, the next one is. */
const TIER: i32 = 8;

/** Rows that a tier is counted over: few, so that most of the time the first is the only one. */
const ROW_GROUP: i32 = 8;

/** Rows after which 16-bit counters are emptied, before they overflow. */
const ROWS_COUNTED: i32 = 32000;

/** All bits but the sign, of eight halves and of four float32. In memory, as those of stored-values.ts are. */
const MAGNITUDES = memory.data<u32>(
  [0x7fff7fff, 0x7fff7fff, 0x7fff7fff, 0x7fff7fff, 0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff],
  16,
);

// Arguments of columnOutliers, as words, behind those of stored-stripe.ts. The same list stands in ../column-statistics.ts.
const BOUNDS = 5; // i32 [levels], ascending: an entry is at a level when its pattern is above the bound
const LEVELS = 6; // a multiple of TIER
const COUNTS = 7; // u32 [levels][columns, padded]
const COUNT_COLUMNS = 8; // columns of the counts

/** The columns of a stripe. Scratch: BLOCK_BYTES, then counters as wide as an element for each level and padded column. */
export function columnOutliers(args: usize, stripe: i32, scratch: usize): void {
  if (word(args, DTYPE) == F32) sweep<i32>(args, stripe, scratch);
  else sweep<i16>(args, stripe, scratch);
}

// @ts-ignore: decorator
@inline
function sweep<T>(args: usize, stripe: i32, block: usize): void {
  const shift: usize = sizeof<T>() == 2 ? 1 : 2;
  const rows = rowsOf(args);
  const columns = paddedColumns(args, stripe);
  const rowBytes = <usize>columns << shift;
  const blockRows = <i32>(BLOCK_BYTES / rowBytes);
  const counters = block + BLOCK_BYTES;
  const vectorCounters = <usize>word(args, LEVELS) << 4;
  memory.fill(block, 0, BLOCK_BYTES + (rowBytes >> 4) * vectorCounters);
  for (let level = 0; level < word(args, LEVELS); level++) {
    memory.fill(countsAt(args, stripe, level), 0, <usize>columns << 2);
  }
  let counted = 0;
  for (let row = 0; row < rows; row += blockRows) {
    const count = min(blockRows, rows - row);
    if (counted + count > ROWS_COUNTED) {
      empty<T>(args, stripe, counters);
      counted = 0;
    }
    counted += count;
    takeRows(args, stripe, shift, row, count, block);
    for (let first = 0; first < count; first += ROW_GROUP) {
      const group = min(ROW_GROUP, count - first);
      const start = block + <usize>first * rowBytes;
      let to = counters;
      for (let at: usize = 0; at < rowBytes; at += 16) {
        countVector<T>(args, start + at, rowBytes, group, to);
        to += vectorCounters;
      }
    }
  }
  empty<T>(args, stripe, counters);
}

/** Where a level's counts of a stripe begin. */
// @ts-ignore: decorator
@inline
function countsAt(args: usize, stripe: i32, level: i32): usize {
  return pointer(args, COUNTS) + ((<usize>level * <usize>word(args, COUNT_COLUMNS) + <usize>firstColumn(args, stripe)) << 2);
}

/** A level's bound in all lanes. */
// @ts-ignore: decorator
@inline
function bounds<T>(args: usize, level: i32): v128 {
  return v128.splat<T>(load<T>(pointer(args, BOUNDS) + (<usize>level << 2)));
}

/** One vector of columns, `count` rows. @param counters one vector a level */
function countVector<T>(args: usize, from: usize, rowBytes: usize, count: i32, counters: usize): void {
  for (let tier = 0; tier < word(args, LEVELS); tier += TIER) {
    const last = bounds<T>(args, tier + TIER - 1);
    const largest = countTier<T>(args, tier, from, rowBytes, count, counters + (<usize>tier << 4));
    if (!v128.any_true(v128.gt<T>(largest, last))) return;
  }
}

/** Counts a tier's levels. Returns the largest magnitudes. */
// @ts-ignore: decorator
@inline
function countTier<T>(args: usize, tier: i32, from: usize, rowBytes: usize, count: i32, counters: usize): v128 {
  const magnitude = sizeof<T>() == 2 ? v128.load(MAGNITUDES) : v128.load(MAGNITUDES, 16);
  const bound0 = bounds<T>(args, tier);
  const bound1 = bounds<T>(args, tier + 1);
  const bound2 = bounds<T>(args, tier + 2);
  const bound3 = bounds<T>(args, tier + 3);
  const bound4 = bounds<T>(args, tier + 4);
  const bound5 = bounds<T>(args, tier + 5);
  const bound6 = bounds<T>(args, tier + 6);
  const bound7 = bounds<T>(args, tier + 7);
  let count0 = v128.load(counters);
  let count1 = v128.load(counters, 16);
  let count2 = v128.load(counters, 32);
  let count3 = v128.load(counters, 48);
  let count4 = v128.load(counters, 64);
  let count5 = v128.load(counters, 80);
  let count6 = v128.load(counters, 96);
  let count7 = v128.load(counters, 112);
  let largest = v128.splat<T>(0);
  let at = from;
  for (let i = 0; i < count; i++) {
    const values = v128.and(v128.load(at), magnitude);
    // A comparison that holds leaves -1.
    count0 = v128.sub<T>(count0, v128.gt<T>(values, bound0));
    count1 = v128.sub<T>(count1, v128.gt<T>(values, bound1));
    count2 = v128.sub<T>(count2, v128.gt<T>(values, bound2));
    count3 = v128.sub<T>(count3, v128.gt<T>(values, bound3));
    count4 = v128.sub<T>(count4, v128.gt<T>(values, bound4));
    count5 = v128.sub<T>(count5, v128.gt<T>(values, bound5));
    count6 = v128.sub<T>(count6, v128.gt<T>(values, bound6));
    count7 = v128.sub<T>(count7, v128.gt<T>(values, bound7));
    largest = v128.max<T>(largest, values);
    at += rowBytes;
  }
  v128.store(counters, count0);
  v128.store(counters, count1, 16);
  v128.store(counters, count2, 32);
  v128.store(counters, count3, 48);
  v128.store(counters, count4, 64);
  v128.store(counters, count5, 80);
  v128.store(counters, count6, 96);
  v128.store(counters, count7, 112);
  return largest;
}

/** Adds the counters to the counts, and empties them. */
function empty<T>(args: usize, stripe: i32, counters: usize): void {
  const lanes = 16 / <i32>sizeof<T>();
  const vectors = paddedColumns(args, stripe) / lanes;
  const levels = word(args, LEVELS);
  for (let level = 0; level < levels; level++) {
    let to = countsAt(args, stripe, level);
    for (let i = 0; i < vectors; i++) {
      const counter = counters + (<usize>(i * levels + level) << 4);
      const counted = v128.load(counter);
      if (sizeof<T>() == 2) {
        v128.store(to, i32x4.add(v128.load(to), i32x4.extend_low_i16x8_u(counted)));
        v128.store(to, i32x4.add(v128.load(to, 16), i32x4.extend_high_i16x8_u(counted)), 16);
      } else {
        v128.store(to, i32x4.add(v128.load(to), counted));
      }
      v128.store(counter, i32x4.splat(0));
      to += <usize>lanes << 2;
    }
  }
}

/**
 * Sorts float32 values, ascending: two radix passes of ten bits over order-preserving integer keys put them in order of
 * their sign, exponent and first 11 bits of mantissa; an insertion pass does the rest, of which there is little.
 */

const DIGIT: u32 = 10;
const BUCKETS: i32 = 1 << 10;
const MASK: u32 = (1 << 10) - 1;
/** The bits below both digits, left to the insertion pass. */
const REST: u32 = 32 - 2 * 10;
const TABLE_BYTES: usize = (1 << 10) * 4;
/** Two histograms. */
export const SORT_HISTOGRAM_BYTES: usize = 2 * (1 << 10) * 4;

/** Key of a float's bits: unsigned order of keys is the order of values. */
// @ts-ignore: decorator
@inline
function keyOf(bits: u32): u32 {
  return bits ^ (<u32>(<i32>bits >> 31) | 0x80000000);
}

// @ts-ignore: decorator
@inline
function bitsOf(key: u32): u32 {
  return key ^ ((key >> 31) - 1 | 0x80000000);
}

/** Keys to floats' bits, four at a time; the last ones by themselves. */
// @ts-ignore: decorator
@inline
function bitsOfAll(keys: usize, end: usize): void {
  let at: usize = 0;
  for (; at + 16 <= end; at += 16) {
    const key = v128.load(keys + at);
    // The sign of a positive float's key is set, and that alone is turned; of a negative one's all is.
    const negative = v128.not(i32x4.shr_s(key, 31));
    v128.store(keys + at, v128.xor(key, v128.or(negative, i32x4.splat(0x80000000))));
  }
  for (; at < end; at += 4) store<u32>(keys + at, bitsOf(load<u32>(keys + at)));
}

/** Byte offset of a digit's counter; `shift` is where the digit begins. */
// @ts-ignore: decorator
@inline
function counterOf(key: u32, shift: u32): usize {
  return <usize>((key >> shift) & MASK) << 2;
}

/**
 * @param source n floats, left as they are
 * @param sorted room for n floats: the result
 * @param spare room for n floats
 * @param histogram room for SORT_HISTOGRAM_BYTES
 */
export function sortFloats(source: usize, n: i32, sorted: usize, spare: usize, histogram: usize): void {
  memory.fill(histogram, 0, SORT_HISTOGRAM_BYTES);
  const upper = histogram + TABLE_BYTES;
  const end = <usize>n << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const key = keyOf(load<u32>(source + at));
    const low = histogram + counterOf(key, REST);
    store<u32>(low, load<u32>(low) + 1);
    const high = upper + counterOf(key, REST + DIGIT);
    store<u32>(high, load<u32>(high) + 1);
  }
  startPositions(histogram);
  startPositions(upper);
  for (let at: usize = 0; at < end; at += 4) {
    const key = keyOf(load<u32>(source + at));
    place(spare, histogram + counterOf(key, REST), key);
  }
  for (let at: usize = 0; at < end; at += 4) {
    const key = load<u32>(spare + at);
    place(sorted, upper + counterOf(key, REST + DIGIT), key);
  }
  insertRest(sorted, end);
}

/**
 * The same for values with their rows, equal ones by ascending row.
 * @param source n floats, left as they are
 * @param pairs room for n 64-bit words: the result, a value's key in the upper half and its row in the lower one
 * @param spare room for n 64-bit words
 * @param histogram room for SORT_HISTOGRAM_BYTES
 */
export function sortPairs(source: usize, n: i32, pairs: usize, spare: usize, histogram: usize): void {
  memory.fill(histogram, 0, SORT_HISTOGRAM_BYTES);
  const upper = histogram + TABLE_BYTES;
  const end = <usize>n << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const key = keyOf(load<u32>(source + at));
    const low = histogram + counterOf(key, REST);
    store<u32>(low, load<u32>(low) + 1);
    const high = upper + counterOf(key, REST + DIGIT);
    store<u32>(high, load<u32>(high) + 1);
  }
  startPositions(histogram);
  startPositions(upper);
  for (let row = 0; row < n; row++) {
    const key = keyOf(load<u32>(source + (<usize>row << 2)));
    placePair(spare, histogram + counterOf(key, REST), (<u64>key << 32) | <u64>row);
  }
  for (let i = 0; i < n; i++) {
    const pair = load<u64>(spare + (<usize>i << 3));
    placePair(pairs, upper + counterOf(<u32>(pair >> 32), REST + DIGIT), pair);
  }
  let previous: u64 = 0;
  for (let i = 0; i < n; i++) {
    const pair = load<u64>(pairs + (<usize>i << 3));
    if (pair >= previous) {
      previous = pair;
      continue;
    }
    let to = pairs + (<usize>i << 3);
    while (to > pairs && load<u64>(to - 8) > pair) {
      store<u64>(to, load<u64>(to - 8));
      to -= 8;
    }
    store<u64>(to, pair);
  }
}

/** The value of a pair. */
// @ts-ignore: decorator
@inline
export function valueOfPair(pair: u64): f32 {
  return reinterpret<f32>(bitsOf(<u32>(pair >> 32)));
}

/** Turns counts into the byte offset of each bucket's first place. */
function startPositions(counts: usize): void {
  let sum: u32 = 0;
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const slot = counts + (<usize>bucket << 2);
    const count = load<u32>(slot);
    store<u32>(slot, sum);
    sum += count << 2;
  }
}

// @ts-ignore: decorator
@inline
function place(target: usize, slot: usize, key: u32): void {
  const position = load<u32>(slot);
  store<u32>(slot, position + 4);
  store<u32>(target + <usize>position, key);
}

// @ts-ignore: decorator
@inline
function placePair(target: usize, slot: usize, pair: u64): void {
  const position = load<u32>(slot);
  store<u32>(slot, position + 4);
  store<u64>(target + (<usize>position << 1), pair);
}

/** Insertion sort of keys that are nearly in order; leaves floats. */
function insertRest(keys: usize, end: usize): void {
  let previous: u32 = 0;
  for (let at: usize = 0; at < end; at += 4) {
    const key = load<u32>(keys + at);
    if (key >= previous) {
      previous = key;
      continue;
    }
    let to = at;
    while (to > 0 && load<u32>(keys + to - 4) > key) {
      store<u32>(keys + to, load<u32>(keys + to - 4));
      to -= 4;
    }
    store<u32>(keys + to, key);
  }
  bitsOfAll(keys, end);
}

/** Radix sort of float32 values, ascending: four passes of eight bits over order-preserving integer keys. */

const BUCKETS: i32 = 256;
/** Four histograms of 256 counters. */
export const SORT_HISTOGRAM_BYTES: usize = 4 * 256 * 4;

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

/**
 * @param source n floats, left as they are
 * @param sorted room for n floats: the result
 * @param spare room for n floats
 * @param histogram room for SORT_HISTOGRAM_BYTES
 */
export function sortFloats(source: usize, n: i32, sorted: usize, spare: usize, histogram: usize): void {
  memory.fill(histogram, 0, SORT_HISTOGRAM_BYTES);
  const end = <usize>n << 2;
  for (let at: usize = 0; at < end; at += 4) {
    const key = keyOf(load<u32>(source + at));
    store<u32>(sorted + at, key);
    bump(histogram, key & 255);
    bump(histogram + 1024, (key >> 8) & 255);
    bump(histogram + 2048, (key >> 16) & 255);
    bump(histogram + 3072, key >> 24);
  }
  let from = sorted;
  let to = spare;
  for (let pass: u32 = 0; pass < 4; pass++) {
    const shift = pass << 3;
    const counts = histogram + (<usize>pass << 10);
    let sum: u32 = 0;
    let filled = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const slot = counts + (<usize>bucket << 2);
      const count = load<u32>(slot);
      filled += i32(count != 0);
      store<u32>(slot, sum);
      sum += count;
    }
    if (filled == 1) continue;
    for (let at: usize = 0; at < end; at += 4) {
      const key = load<u32>(from + at);
      const slot = counts + (<usize>((key >> shift) & 255) << 2);
      const position = load<u32>(slot);
      store<u32>(slot, position + 1);
      store<u32>(to + (<usize>position << 2), key);
    }
    const swap = from;
    from = to;
    to = swap;
  }
  for (let at: usize = 0; at < end; at += 4) {
    store<u32>(sorted + at, bitsOf(load<u32>(from + at)));
  }
}

// @ts-ignore: decorator
@inline
function bump(histogram: usize, bucket: u32): void {
  const slot = histogram + (<usize>bucket << 2);
  store<u32>(slot, load<u32>(slot) + 1);
}

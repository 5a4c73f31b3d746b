/**
 * Q8_0: blocks of 32 values along a row, each a half-precision scale d = max|x| / 127 and 32 signed bytes round(x / d), 34 bytes.
 * Every step is rounded as ggml's reference does it (quantize_row_q8_0_ref), so the bytes are the same.
 */

export const BLOCK_VALUES = 32;
export const BLOCK_BYTES = 34;

/** The scale is max|x| / LARGEST_CODE. */
const LARGEST_CODE = 127;

/** Largest |x| whose scale is a finite half. */
export const LARGEST_Q8_VALUE = 65504 * LARGEST_CODE;

/** Index of the first value that no block can hold; -1 where all are held. */
export function firstBeyondQ8(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) {
    if (Math.abs(values[i] ?? 0) > LARGEST_Q8_VALUE) return i;
  }
  return -1;
}

/** The blocks of `values`, whose number is a multiple of 32. */
export function encodeQ8(values: Float32Array): Uint8Array {
  const blocks = values.length / BLOCK_VALUES;
  const bytes = new Uint8Array(blocks * BLOCK_BYTES);
  const codes = new Int8Array(bytes.buffer);
  const scales = new Float32Array(blocks);
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK_VALUES;
    const d = Math.fround(largestOf(values, from) / LARGEST_CODE);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    scales[block] = d;
    const at = block * BLOCK_BYTES + 2;
    for (let i = 0; i < BLOCK_VALUES; i++) {
      // Halves away from zero, as C's roundf. The sign is taken from the bits: a branch on it would be guessed wrong half of the time.
      const sign = (bits[from + i] ?? 0) >> 31;
      const magnitude = (Math.fround(Math.abs(values[from + i] ?? 0) * inverse) + 0.5) | 0;
      codes[at + i] = (magnitude ^ sign) - sign;
    }
  }
  // All at once: one by one, V8 13 takes as long for a half as for ten codes.
  const halves = new Uint16Array(new Float16Array(scales).buffer);
  const pairs = new Uint16Array(bytes.buffer);
  for (let block = 0; block < blocks; block++) pairs[(block * BLOCK_BYTES) >> 1] = halves[block] ?? 0;
  return bytes;
}

/**
 * How far a stored value may lie from the one given: half a step, and what rounding the scale to a half adds to the largest code.
 * @returns one bound for each block of `values`
 */
export function q8Bounds(values: Float32Array): Float64Array {
  const bounds = new Float64Array(values.length / BLOCK_VALUES);
  for (let block = 0; block < bounds.length; block++) {
    const step = largestOf(values, block * BLOCK_VALUES) / LARGEST_CODE;
    const rounding = LARGEST_CODE * Math.abs(Math.f16round(step) - step);
    bounds[block] = (step / 2 + rounding) * (1 + FLOAT_SLACK);
  }
  return bounds;
}

/**
 * What storing has cost.
 * @returns the first value that lies beyond its bound (a NaN does), and the largest |stored - given|
 */
export function q8Roundings(
  values: Float32Array,
  stored: Float32Array,
): {
  readonly beyond: { readonly index: number; readonly bound: number } | undefined;
  readonly largest: number;
} {
  const bounds = q8Bounds(values);
  let largest = 0;
  for (let block = 0; block < bounds.length; block++) {
    const bound = bounds[block] ?? 0;
    const from = block * BLOCK_VALUES;
    let ofBlock = 0;
    for (let i = from; i < from + BLOCK_VALUES; i++) {
      ofBlock = Math.max(ofBlock, Math.abs((stored[i] ?? 0) - (values[i] ?? 0)));
    }
    if (!(ofBlock <= bound))
      return { beyond: { index: firstBeyond(values, stored, from, bound), bound }, largest };
    largest = Math.max(largest, ofBlock);
  }
  return { beyond: undefined, largest };
}

function firstBeyond(values: Float32Array, stored: Float32Array, from: number, bound: number): number {
  let index = from;
  while (Math.abs((stored[index] ?? NaN) - (values[index] ?? 0)) <= bound) index += 1;
  return index;
}

/** Several float32 roundings: of the scale, its inverse, the product and the value that is read. */
const FLOAT_SLACK = 1e-4;

function largestOf(values: Float32Array, from: number): number {
  let largest = 0;
  for (let i = from; i < from + BLOCK_VALUES; i++) {
    largest = Math.max(largest, Math.abs(values[i] ?? 0));
  }
  return largest;
}

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
  const scales = new Float16Array(bytes.buffer);
  for (let block = 0; block < blocks; block++) {
    const from = block * BLOCK_VALUES;
    const at = block * BLOCK_BYTES;
    const d = Math.fround(largestOf(values, from) / LARGEST_CODE);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    scales[at >> 1] = d;
    for (let i = 0; i < BLOCK_VALUES; i++) {
      codes[at + 2 + i] = roundHalfAway(Math.fround((values[from + i] ?? 0) * inverse));
    }
  }
  return bytes;
}

/**
 * How far a stored value may lie from the one given: half a step, and what rounding the scale to a half adds to the largest code.
 * @returns one bound for each block of `values`
 */
export function q8Bounds(values: Float32Array): Float64Array {
  return Float64Array.from({ length: values.length / BLOCK_VALUES }, (_, block) => {
    const step = largestOf(values, block * BLOCK_VALUES) / LARGEST_CODE;
    const rounding = LARGEST_CODE * Math.abs(Math.f16round(step) - step);
    return (step / 2 + rounding) * (1 + FLOAT_SLACK);
  });
}

/** Several float32 roundings: of the scale, its inverse, the product and the value that is read. */
const FLOAT_SLACK = 1e-4;

function largestOf(values: Float32Array, from: number): number {
  let largest = 0;
  for (let i = from; i < from + BLOCK_VALUES; i++) {
    const magnitude = Math.abs(values[i] ?? 0);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}

/** As C's roundf; Math.round rounds halves up. */
function roundHalfAway(value: number): number {
  return value < 0 ? -Math.floor(0.5 - value) : Math.floor(value + 0.5);
}

/** Weights as checkpoints store them. The same numbers of dtypes stand in ../stored-magnitudes.ts, by their order. */

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 2;

/** From the bias of a half's exponent to float32's, where float32 has its exponent. */
const BIAS: u32 = 112 << 23;

/** 2 for float32, 1 for the halves: an element's bytes are 1 << this. */
// @ts-ignore: decorator
@inline
export function shiftOf(dtype: i32): usize {
  return dtype == F32 ? 2 : 1;
}

/** The value at an address. A half's infinity and NaN become numbers of 65536 and more. */
// @ts-ignore: decorator
@inline
export function storedValue(dtype: i32, at: usize): f32 {
  if (dtype == F32) return load<f32>(at);
  const half = <u32>load<u16>(at);
  if (dtype == BF16) return reinterpret<f32>(half << 16);
  const biased = (((half & 0x8000) << 16) | ((half & 0x7fff) << 13)) + BIAS;
  if (half & 0x7c00) return reinterpret<f32>(biased);
  const leading = biased + (1 << 23);
  return reinterpret<f32>(leading) - reinterpret<f32>(leading & 0xff800000);
}

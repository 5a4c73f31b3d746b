/** Weights as checkpoints store them. The same numbers of dtypes stand in ../stored-magnitudes.ts, by their order. */

export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 2;

/** From the bias of a half's exponent to float32's, where float32 has its exponent. */
const BIAS: u32 = 112 << 23;
const SIGN_AND_MAGNITUDE: u32 = 0x8fffe000;
const EXPONENT: u32 = 0x0f800000;

/** In memory, because V8 makes vector constants anew in every turn of a loop. */
const MASKS = memory.data<u32>(
  [
    SIGN_AND_MAGNITUDE, SIGN_AND_MAGNITUDE, SIGN_AND_MAGNITUDE, SIGN_AND_MAGNITUDE,
    EXPONENT, EXPONENT, EXPONENT, EXPONENT,
    BIAS, BIAS, BIAS, BIAS,
  ],
  16,
);

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

/** What fourValues needs to take halves apart, to be loaded before a loop. */
// @ts-ignore: decorator
@inline
export function signAndMagnitude(): v128 {
  return v128.load(MASKS);
}

// @ts-ignore: decorator
@inline
export function exponent(): v128 {
  return v128.load(MASKS, 16);
}

// @ts-ignore: decorator
@inline
export function bias(): v128 {
  return v128.load(MASKS, 32);
}

/** Four values from an address on, as storedValue has them. */
// @ts-ignore: decorator
@inline
export function fourValues(dtype: i32, at: usize, signAndMagnitude: v128, exponent: v128, bias: v128): v128 {
  if (dtype == F32) return v128.load(at);
  // With the sign extended, one shift puts both the sign and the magnitude in their places.
  const halves = v128.load_ext<i16>(at);
  if (dtype == BF16) return i32x4.shl(halves, 16);
  const bits = v128.and(i32x4.shl(halves, 13), signAndMagnitude);
  // Where the exponent is 0 there is no leading one: the next exponent up brings one, and it is taken off as a number. A
  // multiplication by 2^112 would do without, but processors take their time over numbers this small.
  const subnormal = i32x4.shl(i32x4.eq(v128.and(bits, exponent), i32x4.splat(0)), 23);
  const leading = i32x4.sub(i32x4.add(bits, bias), subnormal);
  return f32x4.sub(leading, v128.and(leading, subnormal));
}

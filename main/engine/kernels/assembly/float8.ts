/**
 * x rounded to eight bits (to nearest, ties to even) and back to float32: float8 E4M3 (Micikevicius et al. 2022, FP8 Formats for
 * Deep Learning) with a sign, four bits of exponent from 2^-6 on and three of mantissa; below, steps of 2^-9. |x| beyond 448, the
 * largest there is, is held at it.
 */
export function roundToFloat8(x: f32): f32 {
  const bits = reinterpret<u32>(x);
  const sign = bits & 0x80000000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x43e00000) return reinterpret<f32>(sign | 0x43e00000); // 448
  if (magnitude < 0x3c800000) {
    // Below 2^-6: adding 2^14 puts the unit in the last place of float8's subnormals (2^-9) at float32's own.
    const rounded = reinterpret<f32>(magnitude) + 16384 - 16384;
    return reinterpret<f32>(sign | reinterpret<u32>(rounded));
  }
  const odd = (magnitude >> 20) & 1;
  return reinterpret<f32>(sign | ((magnitude + 0x7ffff + odd) & 0xfff00000));
}

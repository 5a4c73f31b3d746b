/**
 * x rounded to IEEE half precision (to nearest, ties to even) and back to float32. Codebooks and reserved entries are
 * stored as halves, so they are rounded inside the loop, where later columns still compensate for it.
 * |x| beyond the largest half is held at it: weights that large are refused before the loop starts.
 */
export function roundToHalf(x: f32): f32 {
  const bits = reinterpret<u32>(x);
  const sign = bits & 0x80000000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) return reinterpret<f32>(sign | 0x477fe000); // 65504
  if (magnitude < 0x38800000) {
    // Subnormal half: adding 0.5 puts the unit in the last place of a half's subnormals (2^-24) at float32's own.
    const rounded = reinterpret<f32>(magnitude) + 0.5 - 0.5;
    return reinterpret<f32>(sign | reinterpret<u32>(rounded));
  }
  const odd = (magnitude >> 13) & 1;
  return reinterpret<f32>(sign | ((magnitude + 0xfff + odd) & 0xffffe000));
}

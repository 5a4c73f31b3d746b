/** What each pattern of 16 bits stands for in half precision: a look is several times faster than a conversion. */
export const HALF_VALUES: Float32Array = Float32Array.from(
  new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, pattern) => pattern).buffer),
);

/** The patterns of the values, which they share. */
export function halfPatterns(values: Float16Array): Uint16Array {
  return new Uint16Array(values.buffer, values.byteOffset, values.length);
}

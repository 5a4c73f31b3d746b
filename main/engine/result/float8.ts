/**
 * float8 E4M3: a sign, four bits of exponent, three of mantissa; no infinities, and not a number where all seven lower bits are
 * set (Micikevicius et al. 2022; safetensors calls it F8_E4M3, torch float8_e4m3fn).
 */

/** What each byte stands for. */
export const FLOAT8_VALUES: Float32Array = Float32Array.from({ length: 256 }, (_, byte) => {
  const magnitude = byte & 0x7f;
  if (magnitude === 0x7f) return Number.NaN;
  const [exponent, mantissa] = [magnitude >> 3, magnitude & 7];
  const value = exponent === 0 ? mantissa / 512 : (1 + mantissa / 8) * 2 ** (exponent - 7);
  return byte >= 0x80 ? -value : value;
});

/** To a map both zeros are one. */
const MINUS_ZERO = 0x80;
const BYTES: ReadonlyMap<number, number> = new Map(
  [...FLOAT8_VALUES.entries()]
    .filter(([byte, value]) => byte !== MINUS_ZERO && !Number.isNaN(value))
    .map(([byte, value]) => [value, byte]),
);

/** The bytes of values, each of which is exact in float8. Throws RangeError for others. */
export function float8Bytes(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => {
    const byte = Object.is(value, -0) ? MINUS_ZERO : BYTES.get(value);
    if (byte === undefined) throw new RangeError(`${value} is no number of float8`);
    return byte;
  });
}

/** What bytes stand for. */
export function float8Values(bytes: Uint8Array): Float32Array {
  return Float32Array.from(bytes, (byte) => FLOAT8_VALUES[byte] ?? Number.NaN);
}

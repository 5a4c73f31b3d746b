/** Rounding to half precision, value by value. */
import { bfloatBits } from '../../../main/engine/checkpoint/half-precision.ts';

export function bfloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  return new Float32Array(Uint32Array.of((bfloatBits(bits[0] ?? 0) << 16) >>> 0).buffer)[0] ?? NaN;
}

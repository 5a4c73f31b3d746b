/**
 * Magnitudes as the bit patterns that they are stored as. With the sign cleared, patterns of an IEEE format are ordered as
 * the numbers are, so that comparing magnitudes is comparing integers.
 */
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';

/** In the order in which assembly/stored-values.ts numbers them. */
export const STORED_DTYPES = ['F32', 'F16', 'BF16'] as const satisfies readonly FloatDtype[];

/** The patterns of infinity: all finite magnitudes are below. */
const INFINITIES: Readonly<Record<FloatDtype, number>> = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 };

const view = new DataView(new ArrayBuffer(4));

/** The magnitude that a pattern stands for. */
export function magnitudeOf(dtype: FloatDtype, pattern: number): number {
  if (dtype === 'F16') {
    view.setUint16(0, pattern);
    return view.getFloat16(0);
  }
  view.setUint32(0, dtype === 'BF16' ? pattern << 16 : pattern);
  return view.getFloat32(0);
}

/** The smallest pattern whose magnitude is at least `threshold`; infinity's where no finite one is. */
export function smallestPattern(dtype: FloatDtype, threshold: number): number {
  let from = 0;
  let to = INFINITIES[dtype];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (magnitudeOf(dtype, middle) >= threshold) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** The weights of a quantized matrix in a dtype that a file has, without a detour over float32 where there is a shorter way. */
import { LARGEST, decodeFloats, encodeFloats } from '../checkpoint/half-precision.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import type { QuantizedMatrix } from '../claq/quantized-matrix.ts';
import { type CodebookLevels, type RowBand, halfBands, weightBands } from './row-bands.ts';

export interface EncodedMatrix {
  /** Row-major, little-endian; the bytes of a band are there until the next is asked for. */
  readonly bands: Iterable<RowBand<Uint8Array>>;
  /** Largest |encoded - weight|; 0 where every weight is one of the dtype's. */
  readonly maxRounding: number;
}

/**
 * Each centroid and each reserved entry is rounded once, and then copied. Undefined where the weights are no entries of a table (they
 * have row scales, or a grid), and where the dtype cannot hold one: `weightBands` gives such weights one by one.
 */
export function encodeMatrix(matrix: QuantizedMatrix, dtype: FloatDtype): EncodedMatrix | undefined {
  const { levels, reservedValues } = matrix;
  if (levels.kind === 'grid' || !isHeldTable(matrix, dtype)) return undefined;
  const [centroids, reserved] = [rounded(levels.centroids, dtype), rounded(reservedValues, dtype)];
  return {
    bands: dtype === 'F32' ? floatBytes(matrix) : halfBytes(matrix, levels, centroids.bytes, reserved.bytes),
    maxRounding: Math.max(centroids.maxRounding, reserved.maxRounding),
  };
}

/** Whether every weight is an entry of a table of which the dtype can hold all. */
export function isHeldTable({ levels, reservedValues }: QuantizedMatrix, dtype: FloatDtype): boolean {
  if (levels.kind === 'grid' || levels.rowScales !== undefined) return false;
  const isHeld = (value: number): boolean => Math.abs(value) <= LARGEST[dtype];
  return levels.centroids.every(isHeld) && reservedValues.every(isHeld);
}

function* floatBytes(matrix: QuantizedMatrix): Generator<RowBand<Uint8Array>> {
  for (const { from, to, values } of weightBands(matrix))
    yield { from, to, values: encodeFloats('F32', values) };
}

function* halfBytes(
  matrix: QuantizedMatrix,
  levels: CodebookLevels,
  centroids: Uint8Array,
  reserved: Uint8Array,
): Generator<RowBand<Uint8Array>> {
  const bits = { centroids: halves(centroids), reserved: halves(reserved) };
  for (const { from, to, values } of halfBands(matrix, levels, bits)) {
    yield { from, to, values: new Uint8Array(values.buffer, 0, values.byteLength) };
  }
}

/** In an array of their own, whatever they stood in. */
function halves(bytes: Uint8Array): Uint16Array<ArrayBuffer> {
  return new Uint16Array(new Uint8Array(bytes).buffer);
}

function rounded(
  values: Float32Array,
  dtype: FloatDtype,
): { readonly bytes: Uint8Array; readonly maxRounding: number } {
  const bytes = encodeFloats(dtype, values);
  const held = new Float32Array(values.length);
  decodeFloats(dtype, bytes, held);
  let maxRounding = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    maxRounding = Math.max(maxRounding, Math.abs((held[i] ?? 0) - value));
  }
  return { bytes, maxRounding };
}

/** The weights of a quantized matrix in a dtype that a file has, without a detour over float32: what an export writes. */
import { decodeFloats, encodeFloats } from '../checkpoint/half-precision.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { type Levels, type QuantizedMatrix, dequantize } from '../claq/quantized-matrix.ts';

export interface EncodedMatrix {
  /** [rows, columns] row-major, little-endian. */
  readonly bytes: Uint8Array;
  /** Largest |encoded - weight|; 0 where every weight is one of the dtype's. */
  readonly maxRounding: number;
  /** Largest |weight|, before it was rounded; NaN or infinite where one is. */
  readonly maxMagnitude: number;
}

/** Columns and rows of a tile: its codes and the lines that it writes stay in the first cache. */
const TILE_COLUMNS = 32;
const TILE_ROWS = 64;

export function encodeMatrix(matrix: QuantizedMatrix, dtype: FloatDtype): EncodedMatrix {
  const { levels } = matrix;
  if (dtype === 'F32' || levels.kind === 'grid' || levels.rowScales !== undefined) {
    const weights = dequantize(matrix);
    const bytes = encodeFloats(dtype, weights);
    return { bytes, ...extremes(weights, dtype) };
  }
  return encodeCodebooks(matrix, levels, dtype);
}

/** Each centroid and each reserved entry is rounded once, and then copied as 16 bits. */
function encodeCodebooks(
  { rows, columns, codes, reservedStart, reservedRows, reservedValues }: QuantizedMatrix,
  { start, centroids }: Extract<Levels, { kind: 'codebook' }>,
  dtype: FloatDtype,
): EncodedMatrix {
  const centroidBits = halves(dtype, centroids);
  const reservedBits = halves(dtype, reservedValues);
  const weights = new Uint16Array(rows * columns);
  for (let first = 0; first < columns; first += TILE_COLUMNS) {
    const end = Math.min(first + TILE_COLUMNS, columns);
    for (let top = 0; top < rows; top += TILE_ROWS) {
      const bottom = Math.min(top + TILE_ROWS, rows);
      for (let column = first; column < end; column++) {
        const codebook = start[column] ?? 0;
        const last = column * rows + bottom;
        let at = top * columns + column;
        for (let i = column * rows + top; i < last; i++) {
          weights[at] = centroidBits[codebook + (codes[i] ?? 0)] ?? 0;
          at += columns;
        }
      }
    }
  }
  for (let column = 0; column < columns; column++) {
    const end = reservedStart[column + 1] ?? 0;
    for (let i = reservedStart[column] ?? 0; i < end; i++) {
      weights[(reservedRows[i] ?? 0) * columns + column] = reservedBits[i] ?? 0;
    }
  }
  const [ofCentroids, ofReserved] = [extremes(centroids, dtype), extremes(reservedValues, dtype)];
  return {
    bytes: new Uint8Array(weights.buffer),
    maxRounding: Math.max(ofCentroids.maxRounding, ofReserved.maxRounding),
    maxMagnitude: Math.max(ofCentroids.maxMagnitude, ofReserved.maxMagnitude),
  };
}

function halves(dtype: FloatDtype, values: Float32Array): Uint16Array {
  const { buffer, byteOffset, byteLength } = encodeFloats(dtype, values);
  return new Uint16Array(buffer, byteOffset, byteLength / 2);
}

function extremes(
  values: Float32Array,
  dtype: FloatDtype,
): Pick<EncodedMatrix, 'maxRounding' | 'maxMagnitude'> {
  const rounded = new Float32Array(values.length);
  decodeFloats(dtype, encodeFloats(dtype, values), rounded);
  let maxRounding = 0;
  let maxMagnitude = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    maxRounding = Math.max(maxRounding, Math.abs((rounded[i] ?? 0) - value));
    maxMagnitude = Math.max(maxMagnitude, Math.abs(value));
  }
  return { maxRounding, maxMagnitude };
}

/** The bytes of a tensor in the dtype of a file: shared by the writing and by the check after it. */
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { decodeFloats, encodeFloats } from '../checkpoint/half-precision.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { encodeMatrix } from '../result/encode-matrix.ts';
import { type Replacement, isCoded, requireShape, tensorPieces } from './dense-tensors.ts';

/** Rows [from, to) of a matrix, or all of a vector; the bytes are there until the next piece is asked for. */
export interface EncodedPiece {
  readonly from: number;
  readonly to: number;
  readonly bytes: Uint8Array;
  /** Largest |encoded - given| of the piece, or of the whole tensor. */
  maxRounding(): number;
}

/**
 * In the order of the rows. A matrix of codebooks is not decoded on the way: its centroids are encoded, and looked up.
 * @throws ClaqError weights/out-of-range for a value that the dtype cannot hold, weights/not-finite, weights/wrong-shape, and what
 * reading throws
 */
export async function* encodedPieces(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  dtype: FloatDtype,
  replacement: Replacement | undefined,
): AsyncGenerator<EncodedPiece> {
  requireShape(entry, replacement);
  const table = isCoded(replacement) ? encodeMatrix(replacement, dtype) : undefined;
  if (table !== undefined) {
    const maxRounding = (): number => table.maxRounding;
    for (const { from, to, values } of table.bands) yield { from, to, bytes: values, maxRounding };
    return;
  }
  for await (const { from, to, values } of tensorPieces(checkpoint, entry, dtype, replacement)) {
    const bytes = encodeFloats(dtype, values);
    yield { from, to, bytes, maxRounding: () => largestRounding(dtype, values, bytes) };
  }
}

function largestRounding(dtype: FloatDtype, values: Float32Array, bytes: Uint8Array): number {
  if (dtype === 'F32') return 0;
  const rounded = new Float32Array(values.length);
  decodeFloats(dtype, bytes, rounded);
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const rounding = Math.abs((rounded[i] ?? 0) - (values[i] ?? 0));
    if (rounding > largest) largest = rounding;
  }
  return largest;
}

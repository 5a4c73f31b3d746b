/** Compares a tensor of a written model with what it should hold, bit by bit. */
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { decodeFloats } from '../checkpoint/half-precision.ts';
import { bytesPerElement, elementCount } from '../checkpoint/safetensors-dtype.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { type Replacement, positionText } from './dense-tensors.ts';
import { encodedPieces } from './encoded-pieces.ts';
import { mismatch, shown } from './failed-check.ts';

/** Bytes that are compared at a time. */
const COMPARE_BYTES = 4 * 2 ** 20;

/**
 * Returns the largest |stored - given|.
 * @param checkpoint the source of what has no replacement
 * @param dtype of the tensor in the written model
 * @throws ClaqError output/verification-failed at the first value that differs, and what reading throws
 */
export async function compareTensor(
  checkpoint: Checkpoint,
  written: Checkpoint,
  entry: TensorEntry,
  dtype: FloatDtype,
  replacement: Replacement | undefined,
): Promise<number> {
  const rowBytes = bytesPerElement(dtype) * (entry.shape.length === 2 ? (entry.shape[1] ?? 1) : 1);
  let maxRounding = 0;
  for await (const piece of encodedPieces(checkpoint, entry, dtype, replacement)) {
    const { from, bytes } = piece;
    const found = await written.readBytes(entry.name, from * rowBytes, from * rowBytes + bytes.length);
    if (!areEqual(bytes, found)) compareValues(written, entry, dtype, { from, wanted: bytes, found });
    maxRounding = Math.max(maxRounding, piece.maxRounding());
  }
  return maxRounding;
}

/** Whether a tensor of the same dtype has the same bytes in both. */
export async function hasSameBytes(
  a: Checkpoint,
  b: Checkpoint,
  { name, dtype, shape }: TensorEntry,
): Promise<boolean> {
  const bytes = (elementCount(shape) ?? 0) * bytesPerElement(dtype);
  for (let from = 0; from < bytes; from += COMPARE_BYTES) {
    const to = Math.min(bytes, from + COMPARE_BYTES);
    if (!areEqual(await a.readBytes(name, from, to), await b.readBytes(name, from, to))) return false;
  }
  return true;
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Throws at the first value that differs. */
function compareValues(
  written: Checkpoint,
  entry: TensorEntry,
  dtype: FloatDtype,
  { from, wanted, found }: { readonly from: number; readonly wanted: Uint8Array; readonly found: Uint8Array },
): void {
  const [expected, stored] = [decoded(dtype, wanted), decoded(dtype, found)];
  // Object.is tells -0 from 0.
  const differs = expected.findIndex((value, i) => !Object.is(value, stored[i]));
  if (differs < 0) return;
  const position = positionText(entry.shape, entry.shape.length === 2 ? from : 0, differs);
  throw mismatch(
    `${written.path}, tensor ${entry.name}, ${position}`,
    shown(expected[differs]),
    shown(stored[differs]),
  );
}

function decoded(dtype: FloatDtype, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(bytes.length / bytesPerElement(dtype));
  decodeFloats(dtype, bytes, values);
  return values;
}

/** What each tensor of a dense export shall hold: shared by the writing and by the check after it. */
import { ClaqError } from '../../../shared/errors.ts';
import { MATRIX_KINDS, matrixName } from '../../../shared/model.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { LARGEST, firstNotFinite, firstOutOfRange } from '../checkpoint/half-precision.ts';
import { bytesPerElement, elementCount, shapeText } from '../checkpoint/safetensors-dtype.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import type { EncodedMatrix } from '../result/encode-matrix.ts';

/** `source` keeps each tensor's own dtype. */
export type DenseDtype = 'source' | 'F16' | 'F32';

/** The dequantized matrix of a tensor (`model.layers.0.self_attn.q_proj.weight`), row-major; undefined where it was left as it is. */
export type QuantizedMatrix = (name: string) => Promise<Float32Array | undefined>;

/** The same in a dtype of a file, where there is a quicker way to that; undefined where there is none. */
export type EncodedMatrixOf = (name: string, dtype: FloatDtype) => Promise<EncodedMatrix | undefined>;

/**
 * The bytes of a quantized matrix. Undefined where there are none, or where they are not as they should be: the way over floats says
 * what is wrong, and where.
 */
export async function encodedMatrix(
  encoded: EncodedMatrixOf | undefined,
  { name, shape }: TensorEntry,
  dtype: FloatDtype,
): Promise<EncodedMatrix | undefined> {
  const matrix = await encoded?.(name, dtype);
  const bytes = (elementCount(shape) ?? 0) * bytesPerElement(dtype);
  const fits = matrix !== undefined && matrix.bytes.length === bytes && matrix.maxMagnitude <= LARGEST[dtype];
  return fits ? matrix : undefined;
}

/** Floats that are worked on at a time: an embedding of several GB never stands in memory whole. */
const PIECE_FLOATS = 8 * 2 ** 20;

/** Rows [from, to) of a matrix, or all of a vector (from 0 to its length). */
export interface TensorPiece {
  readonly from: number;
  readonly to: number;
  readonly values: Float32Array;
}

export function targetDtype(entry: TensorEntry, dtype: DenseDtype): FloatDtype {
  return dtype === 'source' ? (entry.sourceDtype ?? entry.dtype) : dtype;
}

/** The names of the tensors that `quantized` is asked for. */
export function quantizedNames(model: ModelDescription): ReadonlySet<string> {
  const names = new Set<string>();
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) names.add(`${matrixName(block, kind)}.weight`);
  }
  return names;
}

/**
 * The values that a tensor shall hold, before they are rounded to `dtype`, piece by piece in the order of the rows.
 * @throws ClaqError weights/out-of-range for a value that the dtype cannot hold, weights/not-finite, weights/wrong-shape.
 * @param matrix the dequantized matrix that takes the place of the checkpoint's tensor
 */
export async function* tensorPieces(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  dtype: FloatDtype,
  matrix: Float32Array | undefined,
): AsyncGenerator<TensorPiece> {
  const [rows = 1, columns = 1] = entry.shape;
  if (matrix !== undefined && matrix.length !== rows * columns) {
    throw new ClaqError(
      'weights/wrong-shape',
      `The quantized matrix ${entry.name} does not have the shape of the original`,
      {
        where: entry.name,
        expected: `${rows * columns} values for ${shapeText(entry.shape)}`,
        found: `${matrix.length} values`,
      },
    );
  }
  const step = entry.shape.length === 2 ? Math.max(1, Math.floor(PIECE_FLOATS / columns)) : rows;
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step);
    const values =
      matrix === undefined
        ? await readPiece(checkpoint, entry, from, to)
        : matrix.subarray(from * columns, to * columns);
    // What the checkpoint reads is finite, and fits the dtype that it was stored in.
    if (matrix !== undefined) refuseNotFinite(entry, from, values);
    if (matrix !== undefined || dtype !== entry.dtype) refuseOutOfRange(entry, dtype, from, values);
    yield { from, to, values };
  }
}

/** Rows [from, to) of a matrix, or the whole of a vector. */
export async function readPiece(
  checkpoint: Checkpoint,
  { name, shape }: TensorEntry,
  from: number,
  to: number,
): Promise<Float32Array> {
  return shape.length === 2 ? await checkpoint.readRows(name, from, to) : await checkpoint.read(name);
}

/** `[row, column]` of the value at `index` of a piece that begins at row `from`; `[index]` in a vector. */
export function positionText(shape: readonly number[], from: number, index: number): string {
  const [, columns] = shape;
  return shapeText(columns === undefined ? [index] : [from + Math.floor(index / columns), index % columns]);
}

function refuseNotFinite({ name, shape }: TensorEntry, from: number, values: Float32Array): void {
  const bad = firstNotFinite(values);
  if (bad < 0) return;
  throw new ClaqError('weights/not-finite', `The weights of ${name} are not all finite numbers`, {
    where: `${name}, ${positionText(shape, from, bad)}`,
    expected: 'finite numbers',
    found: String(values[bad]),
  });
}

function refuseOutOfRange(
  { name, shape }: TensorEntry,
  dtype: FloatDtype,
  from: number,
  values: Float32Array,
): void {
  const beyond = firstOutOfRange(dtype, values);
  if (beyond < 0) return;
  throw new ClaqError('weights/out-of-range', `The tensor ${name} has a value that ${dtype} cannot hold`, {
    where: `${name}, ${positionText(shape, from, beyond)}`,
    expected: dtype === 'F16' ? 'values from -65504 to 65504' : `values within the range of ${dtype}`,
    found: String(values[beyond]),
    remedy: dtype === 'F16' ? "export with the source's dtype or F32" : 'export as F32',
  });
}

/** What each tensor of a dense export shall hold: shared by the writing and by the check after it. */
import { ClaqError } from '../../../shared/errors.ts';
import { MATRIX_KINDS, matrixName } from '../../../shared/model.ts';
import type { ModelDescription } from '../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { firstNotFinite, firstOutOfRange } from '../checkpoint/half-precision.ts';
import { elementCount, shapeText } from '../checkpoint/safetensors-dtype.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import type { QuantizedMatrix as Codes } from '../claq/quantized-matrix.ts';
import { isHeldTable } from '../result/encode-matrix.ts';
import { weightBands } from '../result/row-bands.ts';

/** `source` keeps each tensor's own dtype. */
export type DenseDtype = 'source' | 'F16' | 'F32';

/** The dequantized matrix of a tensor (`model.layers.0.self_attn.q_proj.weight`), row-major; undefined where it was left as it is. */
export type QuantizedMatrix = (name: string) => Promise<Float32Array | undefined>;

/** The same as codes, where there are any. Their memory may be used again for the next. */
export type CodedMatrix = (name: string) => Promise<Codes | undefined>;

/** What takes the place of a tensor: its weights, row-major, or codes, which are decoded a few rows at a time. */
export type Replacement = Float32Array | Codes;

/** Where matrices come from that take the places of a checkpoint's. */
export interface Replacements {
  readonly quantized: QuantizedMatrix;
  /** Asked before `quantized`. */
  readonly coded?: CodedMatrix | undefined;
}

export async function replacementOf(
  { quantized, coded }: Replacements,
  name: string,
): Promise<Replacement | undefined> {
  return (await coded?.(name)) ?? (await quantized(name));
}

export function isCoded(replacement: Replacement | undefined): replacement is Codes {
  return replacement !== undefined && !(replacement instanceof Float32Array);
}

/** Floats that are worked on at a time: they stay in the cache, and an embedding of several GB never stands in memory whole. */
const PIECE_FLOATS = 2 ** 18;

/** Rows [from, to) of a matrix, or all of a vector (from 0 to its length). The values are there until the next piece is asked for. */
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
 */
export async function* tensorPieces(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  dtype: FloatDtype,
  replacement: Replacement | undefined,
): AsyncGenerator<TensorPiece> {
  requireShape(entry, replacement);
  // What the checkpoint reads is finite, and fits the dtype that it was stored in. Of a table the entries are enough to look at.
  const isStored = replacement === undefined;
  const isHeld = isCoded(replacement) && isHeldTable(replacement, dtype);
  for await (const piece of isStored
    ? storedPieces(checkpoint, entry)
    : replacingPieces(entry, replacement)) {
    if (!isStored && !isHeld) refuseNotFinite(entry, piece.from, piece.values);
    if (!isHeld && (!isStored || dtype !== entry.dtype))
      refuseOutOfRange(entry, dtype, piece.from, piece.values);
    yield piece;
  }
}

/** Throws ClaqError weights/wrong-shape. */
export function requireShape({ name, shape }: TensorEntry, replacement: Replacement | undefined): void {
  const wanted = elementCount(shape) ?? 0;
  if (isCoded(replacement)) {
    if (replacement.rows === shape[0] && replacement.columns === shape[1]) return;
  } else if ((replacement?.length ?? wanted) === wanted) return;
  throw new ClaqError(
    'weights/wrong-shape',
    `The quantized matrix ${name} does not have the shape of the original`,
    {
      where: name,
      expected: `${wanted} values for ${shapeText(shape)}`,
      found: isCoded(replacement)
        ? shapeText([replacement.rows, replacement.columns])
        : `${replacement?.length} values`,
    },
  );
}

async function* storedPieces(checkpoint: Checkpoint, entry: TensorEntry): AsyncGenerator<TensorPiece> {
  for (const { from, to } of rowRanges(entry)) {
    yield { from, to, values: await readPiece(checkpoint, entry, from, to) };
  }
}

function* replacingPieces(entry: TensorEntry, replacement: Replacement): Generator<TensorPiece> {
  if (isCoded(replacement)) {
    yield* weightBands(replacement);
    return;
  }
  const [, columns = 1] = entry.shape;
  for (const { from, to } of rowRanges(entry)) {
    yield { from, to, values: replacement.subarray(from * columns, to * columns) };
  }
}

function* rowRanges({ shape }: TensorEntry): Generator<{ readonly from: number; readonly to: number }> {
  const [rows = 1, columns = 1] = shape;
  const step = shape.length === 2 ? Math.max(1, Math.floor(PIECE_FLOATS / columns)) : rows;
  for (let from = 0; from < rows; from += step) yield { from, to: Math.min(rows, from + step) };
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

function refuseOutOfRange(entry: TensorEntry, dtype: FloatDtype, from: number, values: Float32Array): void {
  const { name, shape } = entry;
  const beyond = firstOutOfRange(dtype, values);
  if (beyond < 0) return;
  throw new ClaqError('weights/out-of-range', `The tensor ${name} has a value that ${dtype} cannot hold`, {
    where: `${name}, ${positionText(shape, from, beyond)}`,
    expected: dtype === 'F16' ? 'values from -65504 to 65504' : `values within the range of ${dtype}`,
    found: String(values[beyond]),
    // Codes have no dtype of their own: the source's is then the one that cannot hold the value.
    remedy:
      targetDtype(entry, 'source') === dtype
        ? 'take a dense export in f32'
        : "take a dense export in the source's dtype or in f32",
  });
}

/** One quantized matrix as a file: its packed arrays, and what it is in the file's metadata. */
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { MAX_WIDTH, MIN_WIDTH } from '../../../shared/budget.ts';
import { columnClasses, packedBytes, packedGridBytes } from '../../../shared/bits.ts';
import type { MatrixShape } from '../../../shared/model.ts';
import {
  type Levels,
  type QuantizedMatrix,
  codebookFormOf,
  reservedCounts,
} from '../claq/quantized-matrix.ts';
import { type ArrayFile, type ArrayToWrite, readArrays, writeArrays } from '../checkpoint/array-file.ts';
import { ReusedMemory } from '../checkpoint/reused-memory.ts';
import { checkSizes, measurePacked, packMatrix, unpackMatrix } from './packed-matrix.ts';
import { BitReader, BitWriter } from './bit-stream.ts';

/** Goes up when a reader of the older form would misread the newer one. */
export const MATRIX_FILE_VERSION = '1';

/** No matrix in use has more rows or columns; a file that says so is not believed. */
export const MAX_SIDE = 1 << 20;

const count = z
  .string()
  .regex(/^\d{1,7}$/)
  .transform(Number)
  .pipe(z.int().min(1).max(MAX_SIDE));
const width = z.string().regex(/^\d$/).transform(Number).pipe(z.int().min(MIN_WIDTH).max(MAX_WIDTH));
const everyMatrix = {
  claq: z.literal(MATRIX_FILE_VERSION),
  matrix: z.string(),
  rows: count,
  columns: count,
  loss: z.string().transform(Number),
};
const gridSchema = z.object({ ...everyMatrix, levels: z.literal('grid'), width, group_size: count });
const metadataSchema = z.discriminatedUnion('levels', [
  z.object({ ...everyMatrix, levels: z.literal('codebook') }),
  gridSchema,
]);

/**
 * The arrays that a matrix may have, in the order in which they are written, and their dtypes. What a reader does not know could
 * change what the others mean: it is refused.
 */
export const MATRIX_ARRAYS: {
  readonly [kind in Levels['kind']]: Readonly<Record<string, 'I32' | 'F16' | 'U8'>>;
} = {
  codebook: {
    classes: 'I32',
    codebooks: 'F16',
    reserved_values: 'F16',
    row_scales: 'F16',
    byte_codebooks: 'U8',
    reserved_positions: 'U8',
    column_classes: 'U8',
    codes: 'U8',
  },
  grid: { scales: 'F16', zeros: 'U8', codes: 'U8' },
};

/** What is known of a matrix beside its arrays. */
export type MatrixForm = MatrixShape &
  (
    | { readonly levels: 'codebook' }
    | { readonly levels: 'grid'; readonly width: number; readonly group_size: number }
  );

/** Arrays by name; each throws a ClaqError where there is none of that name and dtype. */
export type MatrixArrays = Pick<ArrayFile, 'has' | 'u8' | 'i32' | 'f16'>;

export interface StoredMatrix {
  readonly name: string;
  readonly matrix: QuantizedMatrix;
}

/**
 * Writes a matrix atomically; returns the bytes of its arrays: what it costs stored. Throws RangeError, before anything is
 * written, where a part has not the size that shared/bits.ts foretells.
 */
export async function writeMatrix(path: string, name: string, matrix: QuantizedMatrix): Promise<number> {
  const { rows, columns, levels, loss } = matrix;
  const metadata = new Map([
    ['claq', MATRIX_FILE_VERSION],
    ['matrix', name],
    ['rows', String(rows)],
    ['columns', String(columns)],
    ['loss', String(loss)],
    ['levels', levels.kind],
  ]);
  if (levels.kind === 'grid') {
    metadata.set('width', String(matrix.widths[0] ?? 0)).set('group_size', String(levels.groupSize));
  }
  const arrays = levels.kind === 'codebook' ? codebookArrays(matrix, levels) : gridArrays(matrix, levels);
  await writeArrays(path, arrays, metadata);
  return arrays.reduce((sum, { data }) => sum + data.byteLength, 0);
}

type CodebookLevels = Extract<Levels, { kind: 'codebook' }>;
type GridLevels = Extract<Levels, { kind: 'grid' }>;

// Wider elements first, so that every array is aligned.
function codebookArrays(matrix: QuantizedMatrix, levels: CodebookLevels): ArrayToWrite[] {
  const packed = packMatrix(matrix);
  const classes = columnClasses({
    widths: matrix.widths,
    reservedLow: reservedCounts(matrix),
    reservedHigh: new Int32Array(matrix.columns),
  });
  checkSizes(measurePacked(packed), packedBytes(matrix, classes, codebookFormOf(levels)));
  const { rowScales, byteCodebooks } = packed;
  return [
    { name: 'classes', shape: [packed.classes.length / 2, 2], data: packed.classes },
    { name: 'codebooks', shape: [packed.codebooks.length], data: packed.codebooks },
    { name: 'reserved_values', shape: [packed.reservedValues.length], data: packed.reservedValues },
    ...(rowScales === undefined ? [] : [{ name: 'row_scales', shape: [rowScales.length], data: rowScales }]),
    ...(byteCodebooks === undefined
      ? []
      : [{ name: 'byte_codebooks', shape: [byteCodebooks.length], data: byteCodebooks }]),
    { name: 'reserved_positions', shape: [packed.reservedPositions.length], data: packed.reservedPositions },
    { name: 'column_classes', shape: [packed.columnClasses.length], data: packed.columnClasses },
    { name: 'codes', shape: [packed.codes.length], data: packed.codes },
  ];
}

function gridArrays(matrix: QuantizedMatrix, levels: GridLevels): ArrayToWrite[] {
  const { rows, codes } = matrix;
  const width = matrix.widths[0] ?? 0;
  const writer = new BitWriter(codes.length * width);
  writer.writeAll(codes, width);
  const packed = writer.finish();
  const scales = Float16Array.from(levels.scales);
  const foretold = packedGridBytes(matrix, width, levels.groupSize);
  const grid = scales.byteLength + levels.zeros.byteLength;
  checkSizes({ ...foretold, codes: packed.length, grid }, foretold);
  const groups = levels.scales.length / rows;
  return [
    { name: 'scales', shape: [groups, rows], data: scales },
    { name: 'zeros', shape: [groups, rows], data: levels.zeros },
    { name: 'codes', shape: [packed.length], data: packed },
  ];
}

/** Memory of a matrix that is gone when the next is read. */
export interface MatrixMemory {
  readonly file: ReusedMemory;
  readonly codes: ReusedMemory;
}

/**
 * Reads a matrix back. Throws ClaqError result/malformed where the file is not one.
 * @param memory where its codes are to stand; of a matrix that stays, none
 */
export async function readMatrix(path: string, memory?: MatrixMemory): Promise<StoredMatrix> {
  const file = await readArrays(path, memory?.file);
  const { matrix: name, loss, ...form } = parseMetadata(file.metadata, file.names, path);
  try {
    return { name, matrix: { ...assembleMatrix(form, file, memory?.codes), loss } };
  } catch (error) {
    if (error instanceof RangeError) throw malformed(path, error.message);
    throw error;
  }
}

/**
 * The form of the matrix that a file's header describes, and its name. Throws ClaqError result/malformed.
 * @param arrays names of the arrays in the file
 */
export function matrixFormOf(
  metadata: ReadonlyMap<string, string>,
  arrays: readonly string[],
  path: string,
): { readonly name: string; readonly form: MatrixForm } {
  const parsed = parseMetadata(metadata, arrays, path);
  const { matrix: name, rows, columns } = parsed;
  if (parsed.levels === 'codebook') return { name, form: { rows, columns, levels: 'codebook' } };
  const { width: bits, group_size } = parsed;
  return { name, form: { rows, columns, levels: 'grid', width: bits, group_size } };
}

function parseMetadata(
  metadata: ReadonlyMap<string, string>,
  arrays: readonly string[],
  path: string,
): z.infer<typeof metadataSchema> {
  const parsed = metadataSchema.safeParse(Object.fromEntries(metadata));
  if (!parsed.success) throw malformed(path, `metadata: ${z.prettifyError(parsed.error)}`);
  const known = MATRIX_ARRAYS[parsed.data.levels];
  const unknown = arrays.find((array) => !Object.hasOwn(known, array));
  if (unknown !== undefined) throw malformed(path, `an array ${unknown}`);
  return parsed.data;
}

/**
 * The matrix that arrays of this form stand for; its loss is not known.
 * @param codes memory for the codes
 * @throws RangeError naming what does not fit, and what `arrays` throws
 */
export function assembleMatrix(
  form: MatrixForm,
  arrays: MatrixArrays,
  codes = new ReusedMemory(),
): QuantizedMatrix {
  return form.levels === 'codebook' ? readCodebooks(arrays, form, codes) : readGrid(arrays, form, codes);
}

function readCodebooks(
  file: MatrixArrays,
  { rows, columns }: MatrixShape,
  codes: ReusedMemory,
): QuantizedMatrix {
  const packed = {
    classes: file.i32('classes'),
    columnClasses: file.u8('column_classes'),
    codes: file.u8('codes'),
    codebooks: file.f16('codebooks'),
    reservedValues: file.f16('reserved_values'),
    reservedPositions: file.u8('reserved_positions'),
    ...(file.has('row_scales') ? { rowScales: file.f16('row_scales') } : {}),
    ...(file.has('byte_codebooks') ? { byteCodebooks: file.u8('byte_codebooks') } : {}),
  };
  return unpackMatrix(packed, rows, columns, codes);
}

function readGrid(
  file: MatrixArrays,
  form: Extract<MatrixForm, { levels: 'grid' }>,
  memory: ReusedMemory,
): QuantizedMatrix {
  const { rows, columns, width, group_size: groupSize } = form;
  const packed = file.u8('codes');
  const scales = Float32Array.from(file.f16('scales'));
  // A copy: the file's memory may be used again before the matrix is.
  const zeros = Uint8Array.from(file.u8('zeros'));
  const cells = rows * Math.ceil(columns / groupSize);
  if (
    packed.length !== Math.ceil((rows * columns * width) / 8) ||
    scales.length !== cells ||
    zeros.length !== cells
  ) {
    throw new RangeError(`${packed.length} bytes of codes and ${scales.length} scales`);
  }
  const reader = new BitReader(packed);
  const codes = memory.take(rows * columns);
  reader.readAll(codes, width);
  return {
    rows,
    columns,
    widths: new Uint8Array(columns).fill(width),
    levels: { kind: 'grid', groupSize, scales, zeros },
    codes,
    reservedStart: new Int32Array(columns + 1),
    reservedRows: new Int32Array(0),
    reservedValues: new Float32Array(0),
    loss: Number.NaN,
  };
}

function malformed(path: string, found: string): ClaqError {
  return new ClaqError('result/malformed', 'This is not the file of a quantized matrix', {
    where: path,
    expected: `a matrix file of version ${MATRIX_FILE_VERSION}`,
    found,
    remedy: 'quantize the model again',
  });
}

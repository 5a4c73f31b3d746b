/**
 * The packed form of a quantized matrix (docs/packed-format.md): columns of a class (same width, same number of reserved
 * entries) stand together, classes in ascending order, columns of a class by index.
 */
import {
  CLASS_BYTES,
  type ColumnClass,
  type PackedBytes,
  centroidBytes,
  classBits,
  packedBytes,
} from '../../../shared/bits.ts';
import { MAX_WIDTH, MIN_WIDTH } from '../../../shared/budget.ts';
import { type Levels, type QuantizedMatrix, codebookFormOf } from '../claq/quantized-matrix.ts';
import { BitReader, BitWriter } from './bit-stream.ts';
import { readPositions, writePositions } from './elias-fano.ts';
import { float8Bytes, float8Values } from './float8.ts';
import { ReusedMemory } from '../checkpoint/reused-memory.ts';

/** The arrays of a matrix with codebooks, as they are stored. */
export interface PackedCodebookMatrix {
  /** [classes][2]: width, reserved entries of a column. */
  readonly classes: Int32Array;
  /** Class of each column, classBits(classes) bits each. */
  readonly columnClasses: Uint8Array;
  readonly codes: Uint8Array;
  readonly codebooks: Float16Array;
  /** Those of up to byteWidth(rows) bits, in float8; none where all are in half precision. */
  readonly byteCodebooks?: Uint8Array;
  readonly reservedValues: Float16Array;
  readonly reservedPositions: Uint8Array;
  /** [rows]; none where rows are not scaled. */
  readonly rowScales?: Float16Array;
}

function classOf(matrix: QuantizedMatrix, column: number): { width: number; reserved: number } {
  return {
    width: matrix.widths[column] ?? 0,
    reserved: (matrix.reservedStart[column + 1] ?? 0) - (matrix.reservedStart[column] ?? 0),
  };
}

/** The classes that occur, ascending, and the columns of each. */
function classify(matrix: QuantizedMatrix): (ColumnClass & { readonly members: readonly number[] })[] {
  const classes = new Map<string, ColumnClass & { members: number[] }>();
  for (let column = 0; column < matrix.columns; column++) {
    const { width, reserved } = classOf(matrix, column);
    const key = `${width},${reserved}`;
    const members = classes.get(key)?.members ?? [];
    members.push(column);
    classes.set(key, { width, reserved, columns: members.length, members });
  }
  return [...classes.values()].sort((a, b) => a.width - b.width || a.reserved - b.reserved);
}

export function packMatrix(matrix: QuantizedMatrix): PackedCodebookMatrix {
  const { levels, rows, columns } = matrix;
  if (levels.kind !== 'codebook') throw new TypeError('a matrix on a uniform grid has no codebooks to pack');
  const classes = classify(matrix);
  const form = codebookFormOf(levels);
  const sizes = packedBytes(matrix, classes, form);
  const codes = new BitWriter(sizes.codes * 8);
  const positions = new BitWriter(sizes.reservedPositions * 8);
  const codebooks = new Float16Array(sizes.codebooks / 2);
  const byteCodebooks = new Uint8Array(sizes.byteCodebooks);
  const reservedValues = new Float16Array(sizes.reservedValues / 2);
  const classIndex = new Uint16Array(columns);
  let half = 0;
  let byte = 0;
  let value = 0;
  for (const [index, { width, members }] of classes.entries()) {
    for (const column of members) {
      classIndex[column] = index;
      codes.writeAll(matrix.codes.subarray(column * rows, (column + 1) * rows), width);
      const codebook = levels.centroids.subarray(levels.start[column], levels.start[column + 1]);
      if (centroidBytes(rows, width, form) === 1) {
        byteCodebooks.set(float8Bytes(codebook), byte);
        byte += codebook.length;
      } else {
        codebooks.set(codebook, half);
        half += codebook.length;
      }
      const [from, to] = [matrix.reservedStart[column], matrix.reservedStart[column + 1]];
      writePositions(positions, matrix.reservedRows.subarray(from, to), rows);
      const values = matrix.reservedValues.subarray(from, to);
      reservedValues.set(values, value);
      value += values.length;
    }
  }
  const bits = classBits(classes.length);
  const columnClasses = new BitWriter(columns * bits);
  for (const index of classIndex) columnClasses.write(index, bits);
  return {
    classes: Int32Array.from(classes.flatMap(({ width, reserved }) => [width, reserved])),
    columnClasses: columnClasses.finish(),
    codes: codes.finish(),
    codebooks,
    ...(form.byteCodebooks === true ? { byteCodebooks } : {}),
    reservedValues,
    reservedPositions: positions.finish(),
    ...(levels.rowScales === undefined ? {} : { rowScales: Float16Array.from(levels.rowScales) }),
  };
}

/** Bytes that the packed arrays take; equal to what shared/bits.ts foretells from the plan. */
export function measurePacked(packed: PackedCodebookMatrix): PackedBytes {
  return {
    codes: packed.codes.byteLength,
    codebooks: packed.codebooks.byteLength,
    byteCodebooks: packed.byteCodebooks?.byteLength ?? 0,
    columnClasses: packed.classes.byteLength + packed.columnClasses.byteLength,
    reservedValues: packed.reservedValues.byteLength,
    reservedPositions: packed.reservedPositions.byteLength,
    rowScales: packed.rowScales?.byteLength ?? 0,
    grid: 0,
  };
}

/**
 * @param memory for the codes
 * @throws RangeError naming what does not fit, where the arrays are not a packed matrix of this shape
 */
export function unpackMatrix(
  packed: PackedCodebookMatrix,
  rows: number,
  columns: number,
  memory = new ReusedMemory(),
): QuantizedMatrix {
  const classes = readClasses(packed, rows, columns);
  const form = {
    scaledRows: packed.rowScales !== undefined,
    byteCodebooks: packed.byteCodebooks !== undefined,
  };
  checkSizes(measurePacked(packed), packedBytes({ rows, columns }, classes, form));
  const widths = new Uint8Array(columns);
  const centroidStart = new Int32Array(columns + 1);
  const reservedStart = new Int32Array(columns + 1);
  for (const { width, reserved, members } of classes) {
    for (const column of members) {
      widths[column] = width;
      centroidStart[column + 1] = 2 ** width;
      reservedStart[column + 1] = reserved;
    }
  }
  for (let column = 0; column < columns; column++) {
    centroidStart[column + 1] = (centroidStart[column + 1] ?? 0) + (centroidStart[column] ?? 0);
    reservedStart[column + 1] = (reservedStart[column + 1] ?? 0) + (reservedStart[column] ?? 0);
  }
  const codes = memory.take(rows * columns);
  const inBytes = float8Values(packed.byteCodebooks ?? new Uint8Array(0));
  const centroids = new Float32Array(packed.codebooks.length + inBytes.length);
  const reservedRows = new Int32Array(packed.reservedValues.length);
  const reservedValues = new Float32Array(packed.reservedValues.length);
  const codeReader = new BitReader(packed.codes);
  const positionReader = new BitReader(packed.reservedPositions);
  let half = 0;
  let byte = 0;
  let value = 0;
  for (const { width, reserved, members } of classes) {
    const isInBytes = centroidBytes(rows, width, form) === 1;
    for (const column of members) {
      codeReader.readAll(codes.subarray(column * rows, (column + 1) * rows), width);
      if (isInBytes) {
        centroids.set(inBytes.subarray(byte, byte + 2 ** width), centroidStart[column]);
        byte += 2 ** width;
      } else {
        centroids.set(packed.codebooks.subarray(half, half + 2 ** width), centroidStart[column]);
        half += 2 ** width;
      }
      reservedRows.set(readPositions(positionReader, reserved, rows), reservedStart[column]);
      reservedValues.set(packed.reservedValues.subarray(value, value + reserved), reservedStart[column]);
      value += reserved;
    }
  }
  const levels: Levels = {
    kind: 'codebook',
    start: centroidStart,
    centroids,
    ...(packed.rowScales === undefined ? {} : { rowScales: Float32Array.from(packed.rowScales) }),
    ...(form.byteCodebooks ? { byteCodebooks: true } : {}),
  };
  return {
    rows,
    columns,
    widths,
    levels,
    codes,
    reservedStart,
    reservedRows,
    reservedValues,
    loss: Number.NaN,
  };
}

const PARTS = [
  'columnClasses',
  'codes',
  'codebooks',
  'byteCodebooks',
  'reservedValues',
  'reservedPositions',
  'rowScales',
  'grid',
] as const satisfies readonly (keyof PackedBytes)[];

/**
 * Each part by itself: one that is too short must not be made up for by another. Nothing is allocated before this.
 * @throws RangeError naming the part that has not the size expected
 */
export function checkSizes(found: PackedBytes, expected: PackedBytes): void {
  for (const part of PARTS) {
    if (found[part] !== expected[part])
      throw new RangeError(`${found[part]} bytes of ${part}, not ${expected[part]}`);
  }
}

/** The classes in the order of their storage, each with its columns. Throws RangeError naming what does not fit. */
export function readClasses(
  packed: Pick<PackedCodebookMatrix, 'classes' | 'columnClasses'>,
  rows: number,
  columns: number,
): (ColumnClass & { readonly members: readonly number[] })[] {
  const count = packed.classes.byteLength / CLASS_BYTES;
  const bits = classBits(count);
  if (packed.columnClasses.byteLength !== Math.ceil((columns * bits) / 8)) {
    throw new RangeError(
      `${packed.columnClasses.byteLength} bytes of classes for ${columns} columns of ${bits} bits`,
    );
  }
  const members = Array.from({ length: count }, (): number[] => []);
  const reader = new BitReader(packed.columnClasses);
  for (let column = 0; column < columns; column++) {
    const index = reader.read(bits);
    const list = members[index];
    if (list === undefined) throw new RangeError(`column ${column} in class ${index} of ${count}`);
    list.push(column);
  }
  return members.map((list, index) => {
    const width = packed.classes[2 * index] ?? 0;
    const reserved = packed.classes[2 * index + 1] ?? 0;
    if (width < MIN_WIDTH || width > MAX_WIDTH)
      throw new RangeError(`class ${index} has a width of ${width} bits`);
    if (reserved < 0 || reserved > rows)
      throw new RangeError(`class ${index} reserves ${reserved} of ${rows} rows`);
    return { width, reserved, columns: list.length, members: list };
  });
}

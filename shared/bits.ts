/**
 * What a quantized matrix costs, exact to the byte: the sizes of the packed form's parts (docs/packed-format.md). The
 * preview before a run, the choice of widths, and the file that is written all take them from here.
 */
import {
  type Budget,
  type ColumnPlan,
  type CountTails,
  NOMINAL_BITS_OF_RESERVED_SHARE,
  exactTails,
  planZones,
} from './budget.ts';
import type { MatrixShape } from './model.ts';

export const HALF_BYTES = 2;
/** A class of columns stands in the table as two 32-bit words: width and reserved entries. */
export const CLASS_BYTES = 8;

export interface PackedBytes {
  /** Codes of all entries, the columns of a class one after another. */
  readonly codes: number;
  /** Half-precision centroids, 2^width a column. */
  readonly codebooks: number;
  /** Centroids of the columns whose codebooks are in bytes. */
  readonly byteCodebooks: number;
  /** The class table and every column's class. */
  readonly columnClasses: number;
  readonly reservedValues: number;
  readonly reservedPositions: number;
  /** A half-precision factor a row, where rows are scaled. */
  readonly rowScales: number;
  /** Scales and zero points of a uniform grid (the baselines). */
  readonly grid: number;
}

/** Bits of the Elias-Fano code of `count` ascending positions below `rows` (Elias 1974): fixed by the two numbers alone. */
export function positionBits(rows: number, count: number): number {
  if (count === 0) return 0;
  const lowBits = positionLowBits(rows, count);
  return count * lowBits + count + Math.floor((rows - 1) / 2 ** lowBits);
}

/** Low bits that the Elias-Fano code writes as they are. */
export function positionLowBits(rows: number, count: number): number {
  return Math.max(0, Math.floor(Math.log2(rows / count)));
}

/** Bits that name one of `classes` classes. */
export function classBits(classes: number): number {
  return classes <= 1 ? 0 : Math.ceil(Math.log2(classes));
}

/** Bytes of the class table, and of every column's class. */
export function classTableBytes(columns: number, classes: number): number {
  return CLASS_BYTES * classes + Math.ceil((columns * classBits(classes)) / 8);
}

/** Columns of one class: same width, same number of reserved entries. */
export interface ColumnClass {
  readonly width: number;
  readonly reserved: number;
  readonly columns: number;
}

/** The classes of a plan's columns. */
export function columnClasses({ widths, reservedLow, reservedHigh }: ColumnPlan): ColumnClass[] {
  return classesOf(
    widths,
    reservedLow.map((low, column) => low + (reservedHigh[column] ?? 0)),
  );
}

/**
 * The classes of columns with these widths and numbers of reserved entries, narrow before wide, few reserved entries
 * before many: their order in the packed form.
 */
export function classesOf(widths: Uint8Array, reservedCounts: Int32Array): ColumnClass[] {
  return merged(
    Array.from(widths, (width, column) => ({ width, reserved: reservedCounts[column] ?? 0, columns: 1 })),
  );
}

/** The classes that a matrix's columns will have under any order: how many there are of each does not depend on which. */
export function plannedClasses(
  shape: MatrixShape,
  budget: Budget,
  countTails: CountTails = exactTails,
): ColumnClass[] {
  return merged(
    planZones(shape, budget, countTails).map(({ from, to, width, tails }) => ({
      width,
      reserved: tails.low + tails.high,
      columns: to - from,
    })),
  );
}

function merged(classes: readonly ColumnClass[]): ColumnClass[] {
  const counts = new Map<string, ColumnClass>();
  for (const { width, reserved, columns } of classes) {
    const key = `${width},${reserved}`;
    counts.set(key, { width, reserved, columns: columns + (counts.get(key)?.columns ?? 0) });
  }
  return [...counts.values()].sort((a, b) => a.width - b.width || a.reserved - b.reserved);
}

/** How the codebooks of a matrix are written, beside what its columns get. */
export interface CodebookForm {
  /** Each row has a half-precision scale. */
  readonly scaledRows?: boolean;
  /** Codebooks of up to byteWidth bits have a byte a centroid. */
  readonly byteCodebooks?: boolean;
}

/** Wider codebooks are in half precision: neighbours among 32 centroids lie as close as a byte tells them apart. */
const MOST_BYTE_WIDTH = 4;

/**
 * The greatest width whose codebooks may be in bytes; 0: none. With 4096 rows rounding centroids to float8 adds 0.2, 0.7 and 2.9 % to
 * the squared error of codebooks of 2, 3 and 4 bits, as 0.001, 0.005 and 0.021 bits less would, where bytes save 0.008, 0.016 and 0.031;
 * with fewer rows they save more (npm run bench:quality -- --only codebooks).
 */
export function byteWidth(rows: number): number {
  return Math.max(0, Math.min(MOST_BYTE_WIDTH, 16 - Math.ceil(Math.log2(rows))));
}

/** Bytes of a centroid. */
export function centroidBytes(rows: number, width: number, { byteCodebooks = false }: CodebookForm): number {
  return byteCodebooks && width <= byteWidth(rows) ? 1 : HALF_BYTES;
}

/** Bits of one column with this width and this many reserved entries: what the choice of widths and shares weighs. */
export function columnBits(rows: number, width: number, reserved: number, form: CodebookForm = {}): number {
  const bytes = centroidBytes(rows, width, form) * 2 ** width + HALF_BYTES * reserved;
  return rows * width + 8 * bytes + positionBits(rows, reserved);
}

/** Bytes of a matrix with a codebook a column. */
export function packedBytes(
  shape: MatrixShape,
  classes: readonly ColumnClass[],
  form: CodebookForm = {},
): PackedBytes {
  let codeBits = 0;
  let codebooks = 0;
  let byteCodebooks = 0;
  let reserved = 0;
  let positions = 0;
  for (const { width, reserved: entries, columns } of classes) {
    codeBits += columns * shape.rows * width;
    const each = centroidBytes(shape.rows, width, form);
    if (each === 1) byteCodebooks += columns * 2 ** width;
    else codebooks += columns * each * 2 ** width;
    reserved += columns * entries;
    positions += columns * positionBits(shape.rows, entries);
  }
  return {
    codes: Math.ceil(codeBits / 8),
    codebooks,
    byteCodebooks,
    columnClasses: classTableBytes(shape.columns, classes.length),
    reservedValues: reserved * HALF_BYTES,
    reservedPositions: Math.ceil(positions / 8),
    rowScales: form.scaledRows === true ? HALF_BYTES * shape.rows : 0,
    grid: 0,
  };
}

/** Bytes of a matrix on a uniform grid: codes, and a half-precision scale and an 8-bit zero point a row and group. */
export function packedGridBytes(shape: MatrixShape, width: number, groupSize: number): PackedBytes {
  const groups = Math.ceil(shape.columns / groupSize);
  return {
    codes: Math.ceil((shape.rows * shape.columns * width) / 8),
    codebooks: 0,
    byteCodebooks: 0,
    columnClasses: 0,
    reservedValues: 0,
    reservedPositions: 0,
    rowScales: 0,
    grid: groups * shape.rows * (HALF_BYTES + 1),
  };
}

export function totalBytes(bytes: PackedBytes): number {
  return (
    bytes.codes +
    bytes.codebooks +
    bytes.byteCodebooks +
    bytes.columnClasses +
    bytes.reservedValues +
    bytes.reservedPositions +
    bytes.rowScales +
    bytes.grid
  );
}

/** Nominal bits a weight of what came out: index bits averaged over the weights, and reserved entries as the paper counts them. */
export function nominalBitsOf(
  matrices: readonly (MatrixShape & { readonly classes: readonly ColumnClass[] })[],
): number {
  let weights = 0;
  let bits = 0;
  for (const { rows, columns, classes } of matrices) {
    weights += rows * columns;
    for (const each of classes) {
      bits += each.columns * (rows * each.width + NOMINAL_BITS_OF_RESERVED_SHARE * each.reserved);
    }
  }
  return bits / weights;
}

/** Stored bits a weight. */
export function storedBits(bytes: number, weights: number): number {
  return (bytes * 8) / weights;
}

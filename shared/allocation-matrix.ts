/**
 * A matrix as the allocation of stored bytes sees it: what each of its columns may get, what the column then loses, and what
 * the packed form takes for it (docs/packed-format.md), exact to the byte.
 */
import {
  type CodebookForm,
  HALF_BYTES,
  centroidBytes,
  classTableBytes,
  classesOf,
  columnBits,
  packedBytes,
  positionBits,
  totalBytes,
} from './bits.ts';
import type { MatrixShape } from './model.ts';

/** What a column may get. Columns with the same option are a class of the packed form. */
export interface ColumnOption {
  /** Bits, 1 to 8. */
  readonly width: number;
  /** Entries kept at half precision, at both tails together. */
  readonly reserved: number;
}

export interface AllocationMatrix {
  readonly shape: MatrixShape;
  readonly form: CodebookForm;
  /** No two the same, at most MAX_OPTIONS. */
  readonly options: readonly ColumnOption[];
  /** [columns][options]: what a column loses with an option, not negative, in one unit for all matrices of a model. */
  readonly losses: Float32Array;
}

/** Options are named by a byte a column. */
export const MAX_OPTIONS = 256;

/** What the columns of a matrix got, by the column's own index. */
export interface ColumnAllocation {
  readonly widths: Uint8Array;
  /** Entries of each column that are reserved, at both tails together. */
  readonly reserved: Int32Array;
}

/** Bytes that a matrix takes in the packed form with these widths and reserved entries: what the exporter writes. */
export function packedPlanBytes(
  shape: MatrixShape,
  { widths, reserved }: ColumnAllocation,
  form: CodebookForm,
): number {
  return totalBytes(packedBytes(shape, classesOf(widths, reserved), form));
}

/**
 * The same by how many columns have each option.
 * @param counts [options], their sum is the number of columns
 */
export function bytesOfCounts({ shape, form, options }: AllocationMatrix, counts: ArrayLike<number>): number {
  const classes = options.map(({ width, reserved }, option) => ({
    width,
    reserved,
    columns: counts[option] ?? 0,
  }));
  const used = classes.filter(({ columns }) => columns > 0);
  return totalBytes(packedBytes(shape, used, form));
}

/** Columns of each option. */
export function countOptions({ options }: AllocationMatrix, chosen: Uint8Array): Int32Array {
  const counts = new Int32Array(options.length);
  for (const option of chosen) counts[option] = (counts[option] ?? 0) + 1;
  return counts;
}

/** What a column takes, by how it is rounded: codes and positions of a matrix are bits one after another, the rest is bytes. */
export interface ColumnSize {
  readonly codeBits: number;
  readonly positionBits: number;
  /** Codebook and reserved values. */
  readonly bytes: number;
}

export function columnSize(
  { shape: { rows }, form }: Pick<AllocationMatrix, 'shape' | 'form'>,
  { width, reserved }: ColumnOption,
): ColumnSize {
  return {
    codeBits: rows * width,
    positionBits: positionBits(rows, reserved),
    bytes: centroidBytes(rows, width, form) * 2 ** width + HALF_BYTES * reserved,
  };
}

/** Bits of a column with each option. */
export function bitsOfOptions({ shape, form, options }: AllocationMatrix): Float64Array {
  return Float64Array.from(options, ({ width, reserved }) => columnBits(shape.rows, width, reserved, form));
}

/** Bits of the class table and of the columns' classes. */
export function bitsOfClasses({ columns }: MatrixShape, classes: number): number {
  return 8 * classTableBytes(columns, classes);
}

/** Bits of a matrix beside those of its columns, at most: classes, scales of rows, the last bytes of codes and positions. */
export function bitsBesideColumns({ shape, form }: AllocationMatrix, classes: number): number {
  const scales = form.scaledRows === true ? 8 * HALF_BYTES * shape.rows : 0;
  return bitsOfClasses(shape, classes) + scales + 2 * 7;
}

/** The sum of what the columns lose. */
export function lossOf({ options, losses }: AllocationMatrix, chosen: Uint8Array): number {
  let sum = 0;
  for (const [column, option] of chosen.entries()) sum += losses[column * options.length + option] ?? 0;
  return sum;
}

export function columnAllocation({ options }: AllocationMatrix, chosen: Uint8Array): ColumnAllocation {
  return {
    widths: Uint8Array.from(chosen, (option) => options[option]?.width ?? 0),
    reserved: Int32Array.from(chosen, (option) => options[option]?.reserved ?? 0),
  };
}

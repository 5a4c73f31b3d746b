/** The arrays of a matrix in a packed model: what they are called there, and which shapes they must have. */
import {
  type CodebookForm,
  type ColumnClass,
  CLASS_BYTES,
  HALF_BYTES,
  classBits,
  packedBytes,
  packedGridBytes,
} from '../../../shared/bits.ts';
import { MATRIX_ARRAYS, type MatrixForm } from '../result/matrix-file.ts';

/** Shapes by array. */
export type ArrayShapes = ReadonlyMap<string, readonly number[]>;

/** `model.layers.0.self_attn.q_proj.codes` */
export function arrayName(matrix: string, array: string): string {
  return `${matrix}.${array}`;
}

/** In the order in which they are written. */
export function arraysOf({ levels }: Pick<MatrixForm, 'levels'>): readonly string[] {
  return Object.keys(MATRIX_ARRAYS[levels]);
}

export function arrayDtype(
  { levels }: Pick<MatrixForm, 'levels'>,
  array: string,
): 'I32' | 'F16' | 'U8' | undefined {
  return Object.hasOwn(MATRIX_ARRAYS[levels], array) ? MATRIX_ARRAYS[levels][array] : undefined;
}

/** The table of classes: at least one, at most one a column. */
export function isClassTable({ columns }: MatrixForm, shape: readonly number[] | undefined): boolean {
  const [classes = 0, words] = shape ?? [];
  return shape?.length === 2 && words === 2 && classes >= 1 && classes <= columns;
}

/** Shape of `column_classes`, with so many classes. */
export function columnClassesShape({ columns }: MatrixForm, classes: number): readonly number[] {
  return [Math.ceil((columns * classBits(classes)) / 8)];
}

/** The shapes of all arrays of a matrix whose columns fall into these classes. */
export function codebookShapes(
  form: MatrixForm,
  classes: readonly ColumnClass[],
  codebooks: CodebookForm,
): ArrayShapes {
  const bytes = packedBytes(form, classes, codebooks);
  return new Map([
    ['classes', [classes.length, CLASS_BYTES / Int32Array.BYTES_PER_ELEMENT]],
    ['codebooks', [bytes.codebooks / HALF_BYTES]],
    ['reserved_values', [bytes.reservedValues / HALF_BYTES]],
    ...(codebooks.scaledRows === true ? [['row_scales', [form.rows]] as const] : []),
    ...(codebooks.byteCodebooks === true ? [['byte_codebooks', [bytes.byteCodebooks]] as const] : []),
    ['reserved_positions', [bytes.reservedPositions]],
    ['column_classes', columnClassesShape(form, classes.length)],
    ['codes', [bytes.codes]],
  ]);
}

/** The shapes of all arrays of a matrix on a grid. */
export function gridShapes(form: Extract<MatrixForm, { levels: 'grid' }>): ArrayShapes {
  const groups = Math.ceil(form.columns / form.group_size);
  return new Map([
    ['scales', [groups, form.rows]],
    ['zeros', [groups, form.rows]],
    ['codes', [packedGridBytes(form, form.width, form.group_size).codes]],
  ]);
}

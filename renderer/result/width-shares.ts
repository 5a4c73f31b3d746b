/** Which share of the columns got which width. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import type { MatrixResult } from '../../shared/run-record.ts';

/** What is needed of a matrix, or of several alike together. */
export type WidthsOfMatrix = Pick<MatrixResult, 'kind' | 'rows' | 'columns' | 'classes'>;

export interface WidthShare {
  readonly width: number;
  readonly columns: number;
  /** Of all columns, 0..1. */
  readonly share: number;
}

export interface WidthRow {
  /** Null for all kinds together. */
  readonly kind: MatrixKind | null;
  readonly shares: readonly WidthShare[];
  /** Bits a column on average; a column counts as one whatever its length. */
  readonly meanWidth: number;
  /** Entries reserved at half precision, as a share of all weights. */
  readonly reservedShare: number;
}

/** All matrices together, then each kind that is there; widths ascending. */
export function widthRows(matrices: readonly WidthsOfMatrix[]): WidthRow[] {
  if (matrices.length === 0) return [];
  const kinds = MATRIX_KINDS.filter((kind) => matrices.some((matrix) => matrix.kind === kind));
  return [
    widthRow(null, matrices),
    ...kinds.map((kind) =>
      widthRow(
        kind,
        matrices.filter((matrix) => matrix.kind === kind),
      ),
    ),
  ];
}

function widthRow(kind: MatrixKind | null, matrices: readonly WidthsOfMatrix[]): WidthRow {
  const counts = new Map<number, number>();
  let columns = 0;
  let bits = 0;
  let reserved = 0;
  let weights = 0;
  for (const matrix of matrices) {
    weights += matrix.rows * matrix.columns;
    for (const each of matrix.classes) {
      counts.set(each.width, (counts.get(each.width) ?? 0) + each.columns);
      columns += each.columns;
      bits += each.columns * each.width;
      reserved += each.columns * each.reserved;
    }
  }
  const shares = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([width, count]) => ({ width, columns: count, share: count / columns }));
  return { kind, shares, meanWidth: bits / columns, reservedShare: reserved / weights };
}

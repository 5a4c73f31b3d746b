/** A matrix column by column, as the window holds it. */
import { orderByCounts, tieOrder } from '../../shared/column-order.ts';
import type { MatrixKind } from '../../shared/model.ts';
import { float32Of, uint32Of } from '../../shared/number-text.ts';
import type { TieRule } from '../../shared/outlier-order.ts';
import type { MatrixStatistics } from '../../shared/statistics.ts';

export interface LoadedMatrix {
  readonly block: number;
  readonly kind: MatrixKind;
  readonly rows: number;
  readonly columns: number;
  readonly meanMagnitude: number;
  /** Of each column: largest |w|, sum of squares, mean, variance. */
  readonly maxima: Float32Array;
  readonly energies: Float32Array;
  readonly means: Float32Array;
  readonly variances: Float32Array;
  /** [levels][columns] */
  readonly outliers: Uint32Array;
  readonly tieRule: TieRule;
  /** Columns as the tie rule alone puts them. */
  readonly ties: Uint16Array;
}

export function loadedMatrix(told: MatrixStatistics): LoadedMatrix {
  const { block, kind, rows, columns, meanMagnitude, tieRule } = told;
  return {
    block,
    kind,
    rows,
    columns,
    meanMagnitude,
    maxima: float32Of(told.maxima),
    energies: float32Of(told.energies),
    means: float32Of(told.means),
    variances: float32Of(told.variances),
    outliers: uint32Of(told.outliers),
    tieRule,
    ties: tieOrder(tieRule === 'column-index' ? new Float32Array(columns) : float32Of(told.ties)),
  };
}

/** Outliers of each column at a level; beyond the levels that are known there are none. */
export function outliersAt({ outliers, columns }: LoadedMatrix, level: number): Uint32Array {
  const at = outliers.subarray(level * columns, (level + 1) * columns);
  return at.length === columns ? at : new Uint32Array(columns);
}

export interface ColumnRanks {
  /** Columns in Outlier Order. */
  readonly order: Uint16Array;
  /** Place of each column in it, from 0. */
  readonly ranks: Int32Array;
}

export function columnRanks(matrix: LoadedMatrix, level: number): ColumnRanks {
  const order = orderByCounts(matrix.ties, outliersAt(matrix, level));
  const ranks = new Int32Array(order.length);
  for (let rank = 0; rank < order.length; rank++) ranks[order[rank] ?? 0] = rank;
  return { order, ranks };
}

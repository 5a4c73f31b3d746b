/** A matrix column by column, as the window holds it. */
import type { MatrixKind } from '../../shared/model.ts';
import { float32Of, uint32Of } from '../../shared/number-text.ts';
import { outlierOrder, type TieRule } from '../../shared/outlier-order.ts';
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
  readonly ties: Float32Array;
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
    ties: float32Of(told.ties),
  };
}

/** Outliers of each column at a level; beyond the levels that are known there are none. */
export function outliersAt({ outliers, columns }: LoadedMatrix, level: number): Uint32Array {
  const at = outliers.subarray(level * columns, (level + 1) * columns);
  return at.length === columns ? at : new Uint32Array(columns);
}

export interface ColumnRanks {
  /** Columns in Outlier Order. */
  readonly order: Int32Array;
  /** Place of each column in it, from 0. */
  readonly ranks: Int32Array;
}

export function columnRanks(matrix: LoadedMatrix, level: number): ColumnRanks {
  const { tieRule: rule, ties } = matrix;
  const tieBreak = rule === 'column-index' ? { rule } : { rule, values: ties };
  const order = outlierOrder(outliersAt(matrix, level), tieBreak).columns;
  const ranks = new Int32Array(order.length);
  for (const [rank, column] of order.entries()) ranks[column] = rank;
  return { order, ranks };
}

import {
  SHARE_PERCENTS,
  TOP_PERCENT,
  topColumnCount,
  type MatrixInspection,
  type OutlierLevel,
} from '../../../shared/inspection.ts';
import { matrixName, matrixShape, type MatrixKind, type ModelDescription } from '../../../shared/model.ts';
import {
  columnStatistics,
  outlierOrder,
  type ColumnStatistics,
  type OutlierCounts,
  type TieRule,
} from '../../../shared/outlier-order.ts';
import { outlierCurve } from './outlier-curve.ts';

/** No calibration has been run here, so there is no diag(H) to break ties with. */
export const INSPECTION_TIE_RULE: TieRule = 'max-weight';

/**
 * Outliers of one matrix at each S, reduced for showing.
 *
 * @param weights row-major, of the shape that the model's description gives
 */
export function inspectMatrix(
  model: ModelDescription,
  block: number,
  kind: MatrixKind,
  weights: Float32Array,
  sValues: readonly number[],
): MatrixInspection {
  const statistics = columnStatistics(weights, matrixShape(model, kind), sValues);
  return {
    block,
    kind,
    name: matrixName(block, kind),
    rows: statistics.rows,
    columns: statistics.columns,
    meanMagnitude: statistics.meanMagnitude,
    maxMagnitude: statistics.maxMagnitude.reduce((largest, magnitude) => Math.max(largest, magnitude), 0),
    levels: statistics.outliers.map((counts) => outlierLevel(statistics, counts)),
  };
}

function outlierLevel(statistics: ColumnStatistics, counts: OutlierCounts): OutlierLevel {
  const { rows, columns, maxMagnitude } = statistics;
  const order = outlierOrder(counts.columns, { rule: INSPECTION_TIE_RULE, values: maxMagnitude });
  const sorted = Uint32Array.from(order.columns, (column) => counts.columns[column] ?? 0);
  const top = topColumnCount(columns, TOP_PERCENT);
  return {
    s: counts.s,
    outliers: counts.total,
    ratio: counts.total / (rows * columns),
    columnsWithAny: sorted.filter((count) => count > 0).length,
    topShares: SHARE_PERCENTS.map((percent) =>
      shareOfFirst(sorted, topColumnCount(columns, percent), counts.total),
    ),
    curve: outlierCurve(sorted),
    top: { columns: [...order.columns.subarray(0, top)], outliers: [...sorted.subarray(0, top)] },
  };
}

function shareOfFirst(sorted: Uint32Array, first: number, total: number): number {
  return total === 0 ? 0 : sorted.subarray(0, first).reduce((sum, count) => sum + count, 0) / total;
}

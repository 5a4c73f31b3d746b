import {
  SHARE_PERCENTS,
  TOP_PERCENT,
  topColumnCount,
  type MatrixInspection,
  type OutlierLevel,
} from '../../../shared/inspection.ts';
import { matrixName } from '../../../shared/model.ts';
import { outlierOrder, type TieRule } from '../../../shared/outlier-order.ts';
import type { MeasuredColumns } from './measure-columns.ts';
import { outlierCurve } from './outlier-curve.ts';

/** No calibration has been run here, so there is no diag(H) to break ties with. */
export const INSPECTION_TIE_RULE: TieRule = 'max-weight';

/** Outliers of one matrix at each S, reduced for showing. */
export function inspectMatrix(measured: MeasuredColumns): MatrixInspection {
  const { block, kind, rows, columns, meanMagnitude, maxMagnitude, sValues, outliers } = measured;
  return {
    block,
    kind,
    name: matrixName(block, kind),
    rows,
    columns,
    meanMagnitude,
    maxMagnitude,
    levels: outliers.map((counts, level) => outlierLevel(measured, sValues[level] ?? 0, counts)),
  };
}

/** @param counts outliers of each column at S */
function outlierLevel(measured: MeasuredColumns, s: number, counts: Uint32Array): OutlierLevel {
  const { rows, columns, maxima } = measured;
  const order = outlierOrder(counts, { rule: INSPECTION_TIE_RULE, values: maxima });
  const sorted = Uint32Array.from(order.columns, (column) => counts[column] ?? 0);
  const total = sorted.reduce((sum, count) => sum + count, 0);
  const top = topColumnCount(columns, TOP_PERCENT);
  return {
    s,
    outliers: total,
    ratio: total / (rows * columns),
    columnsWithAny: sorted.filter((count) => count > 0).length,
    topShares: SHARE_PERCENTS.map((percent) => shareOfFirst(sorted, topColumnCount(columns, percent), total)),
    curve: outlierCurve(sorted),
    top: { columns: [...order.columns.subarray(0, top)], outliers: [...sorted.subarray(0, top)] },
  };
}

function shareOfFirst(sorted: Uint32Array, first: number, total: number): number {
  return total === 0 ? 0 : sorted.subarray(0, first).reduce((sum, count) => sum + count, 0) / total;
}

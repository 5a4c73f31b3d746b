/**
 * The sensitivity metric of CLAQ (arXiv 2405.17233, section on Outlier Order): how many of a column's weights are
 * far larger than the matrix's mean magnitude. Computed on the original weights alone, without calibration.
 */
import type { MatrixShape } from './model.ts';

/** S of the paper: an entry is an outlier when |w| is at least 13 times the mean |w| of its matrix. */
export const DEFAULT_OUTLIER_S = 13;

/** Outliers of one matrix at one S. */
export interface OutlierCounts {
  readonly s: number;
  /** Outliers in each column, in the matrix's own order of columns. */
  readonly columns: Uint32Array;
  /** Their sum. */
  readonly total: number;
}

/** What Outlier Order needs to know of a matrix: one pass for the magnitudes, a second one for the counts. */
export interface ColumnStatistics extends MatrixShape {
  /** Mean |w| over the whole matrix. */
  readonly meanMagnitude: number;
  /** Largest |w| of each column. */
  readonly maxMagnitude: Float32Array;
  /** One entry for each S that was asked for, in the same order. */
  readonly outliers: readonly OutlierCounts[];
}

/**
 * Counts each column's outliers, `|W[i,j]| >= S * mean(|W|)`, for several S in one pass. A matrix of zeros has none:
 * nothing in it is larger than anything else.
 *
 * @param weights row-major, [rows, columns]
 * @param sValues each above 0
 */
export function columnStatistics(
  weights: Float32Array,
  shape: MatrixShape,
  sValues: readonly number[],
): ColumnStatistics {
  const { rows, columns } = shape;
  if (weights.length !== rows * columns) {
    throw new RangeError(
      `a matrix of ${rows} x ${columns} has ${rows * columns} weights, not ${weights.length}`,
    );
  }
  const { mean, maxMagnitude } = magnitudes(weights, columns);
  const levels = sValues.map((s) => ({ s, threshold: s * mean, counts: new Uint32Array(columns) }));
  if (mean > 0) countOutliers(weights, columns, levels);
  return {
    rows,
    columns,
    meanMagnitude: mean,
    maxMagnitude,
    outliers: levels.map(({ s, counts }) => ({
      s,
      columns: counts,
      total: counts.reduce((sum, count) => sum + count, 0),
    })),
  };
}

/** Mean |w| of the matrix, summed in float64, and the largest |w| of each column. */
function magnitudes(weights: Float32Array, columns: number): { mean: number; maxMagnitude: Float32Array } {
  const maxMagnitude = new Float32Array(columns);
  let sum = 0;
  for (let start = 0; start < weights.length; start += columns) {
    for (let column = 0; column < columns; column++) {
      const magnitude = Math.abs(weights[start + column] ?? 0);
      sum += magnitude;
      if (magnitude > (maxMagnitude[column] ?? 0)) maxMagnitude[column] = magnitude;
    }
  }
  return { mean: weights.length === 0 ? 0 : sum / weights.length, maxMagnitude };
}

function countOutliers(
  weights: Float32Array,
  columns: number,
  levels: readonly { readonly threshold: number; readonly counts: Uint32Array }[],
): void {
  // With ascending thresholds the first comparison that fails ends the walk: for nearly every weight, the very first.
  const ascending = levels.toSorted((a, b) => a.threshold - b.threshold);
  const lowest = ascending[0]?.threshold ?? Infinity;
  for (let start = 0; start < weights.length; start += columns) {
    for (let column = 0; column < columns; column++) {
      const magnitude = Math.abs(weights[start + column] ?? 0);
      if (magnitude < lowest) continue;
      for (const { threshold, counts } of ascending) {
        if (magnitude < threshold) break;
        counts[column] = (counts[column] ?? 0) + 1;
      }
    }
  }
}

/** Outlier ratio of each column: its outliers divided by the number of rows. */
export function outlierRatios(counts: Uint32Array, rows: number): Float64Array {
  return Float64Array.from(counts, (count) => count / rows);
}

/**
 * Most columns have no outlier at all, so what breaks ties decides much of the order: `diag(H)` where a calibration
 * has been run, else the largest |w| of the column. `column-index` alone stands for the authors' arbitrary order.
 */
export const TIE_RULES = ['hessian-diagonal', 'max-weight', 'column-index'] as const;
export type TieRule = (typeof TIE_RULES)[number];

export type TieBreak =
  | {
      readonly rule: 'hessian-diagonal' | 'max-weight';
      /** One value for each column; the larger one comes first. */
      readonly values: Float32Array | Float64Array;
    }
  | { readonly rule: 'column-index' };

export interface OutlierOrder {
  /** Column indices by descending outlier ratio. */
  readonly columns: Int32Array;
  /** The rule that broke ties, to be recorded and shown beside the order. */
  readonly tieRule: TieRule;
}

/**
 * Columns in Outlier Order: by descending outlier ratio, then by descending value of the tie rule, then by ascending
 * index, so that the order depends on nothing else.
 *
 * @param ratios outlier ratio (or count) of each column
 */
export function outlierOrder(
  ratios: Float32Array | Float64Array | Uint32Array,
  tieBreak: TieBreak,
): OutlierOrder {
  const { rule } = tieBreak;
  const values = rule === 'column-index' ? new Float64Array(ratios.length) : tieBreak.values;
  if (values.length !== ratios.length) {
    throw new RangeError(`${ratios.length} columns have ${values.length} values of the tie rule ${rule}`);
  }
  const columns = Int32Array.from(ratios, (_, column) => column);
  columns.sort((a, b) => (ratios[b] ?? 0) - (ratios[a] ?? 0) || (values[b] ?? 0) - (values[a] ?? 0) || a - b);
  return { columns, tieRule: rule };
}

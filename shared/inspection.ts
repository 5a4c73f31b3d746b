/**
 * Where a model's outliers are, reduced to what tables and charts show: a matrix of millions of weights becomes a few
 * hundred numbers for each S.
 */
import type { MatrixKind, MatrixShape, ModelDescription } from './model.ts';
import type { TieRule } from './outlier-order.ts';

/** The paper shows the 10 % of columns that come first in Outlier Order. */
export const TOP_PERCENT = 10;

/** How much of a matrix's outliers the first columns hold, asked at these percentages of its columns. */
export const SHARE_PERCENTS = [1, 5, TOP_PERCENT] as const;

/** S that an inspection answers for, beside the one asked for. */
export const INSPECTED_S = [3, 5, 7, 9, 13] as const;

/**
 * Outliers of each column against the column's rank in Outlier Order, kept where the curve bends: a straight line
 * between two neighbouring points runs through the columns that were left out.
 */
export interface OutlierCurve {
  /** Rank in Outlier Order, ascending; 0 is the column with the most outliers. */
  readonly ranks: readonly number[];
  /** Outliers of the column of that rank; divided by the matrix's rows it is the outlier ratio. */
  readonly outliers: readonly number[];
}

/** One matrix at one S. */
export interface OutlierLevel {
  readonly s: number;
  /** Outliers in the whole matrix. */
  readonly outliers: number;
  /** `outliers` divided by the number of weights. */
  readonly ratio: number;
  readonly columnsWithAny: number;
  /** For each of SHARE_PERCENTS: share (0..1) of the outliers that stand in the top columns; 0 where there are none. */
  readonly topShares: readonly number[];
  readonly curve: OutlierCurve;
  /** The top 10 % of columns in Outlier Order: their indices, and the outliers of each. */
  readonly top: { readonly columns: readonly number[]; readonly outliers: readonly number[] };
}

export interface MatrixInspection extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  readonly name: string;
  /** Mean and largest |w| of the matrix. */
  readonly meanMagnitude: number;
  readonly maxMagnitude: number;
  /** One for each S, in the order of `ModelInspection.sValues`. */
  readonly levels: readonly OutlierLevel[];
}

export interface ModelInspection {
  readonly model: ModelDescription;
  /** Ascending, without repeats. */
  readonly sValues: readonly number[];
  readonly tieRule: TieRule;
  /** Block by block, in a block in the order of MATRIX_KINDS. */
  readonly matrices: readonly MatrixInspection[];
}

/** Number of columns in the top `percent` % of a matrix: rounded, and never none. */
export function topColumnCount(columns: number, percent: number): number {
  return Math.min(columns, Math.max(1, Math.round((columns * percent) / 100)));
}

export function levelAt(matrix: MatrixInspection, s: number): OutlierLevel {
  const level = matrix.levels.find((candidate) => candidate.s === s);
  if (level === undefined) {
    throw new RangeError(
      `${matrix.name} was inspected at S = ${matrix.levels.map((each) => each.s).join(', ')}, not ${s}`,
    );
  }
  return level;
}

/** Outlier ratio of several matrices taken together, for example of a layer: outliers divided by weights. */
export function overallRatio(matrices: readonly MatrixInspection[], s: number): number {
  let outliers = 0;
  let weights = 0;
  for (const matrix of matrices) {
    outliers += levelAt(matrix, s).outliers;
    weights += matrix.rows * matrix.columns;
  }
  return weights === 0 ? 0 : outliers / weights;
}

/** Largest S at which the matrix still has an outlier: its largest |w| over its mean |w|; 0 for a matrix of zeros. */
export function largestS(matrix: MatrixInspection): number {
  return matrix.meanMagnitude === 0 ? 0 : matrix.maxMagnitude / matrix.meanMagnitude;
}

/** The largest S of those inspected, below `s`, at which one of the matrices has outliers; undefined if there is none. */
export function lowerSWithOutliers(
  matrices: readonly MatrixInspection[],
  sValues: readonly number[],
  s: number,
): number | undefined {
  return sValues
    .filter((candidate) => candidate < s)
    .findLast((candidate) => matrices.some((matrix) => levelAt(matrix, candidate).outliers > 0));
}

/**
 * Where a model's outliers are, reduced to what tables and charts show: a matrix of millions of weights becomes a few
 * hundred numbers for each S.
 */
import { z } from 'zod';
import { MATRIX_KINDS, modelDescriptionSchema } from './model.ts';
import { TIE_RULES } from './outlier-order.ts';

/** The paper shows the 10 % of columns that come first in Outlier Order. */
export const TOP_PERCENT = 10;

/** How much of a matrix's outliers the first columns hold, asked at these percentages of its columns. */
export const SHARE_PERCENTS = [1, 5, TOP_PERCENT] as const;

/** S that an inspection answers for, beside the one asked for. */
export const INSPECTED_S = [3, 5, 7, 9, 13] as const;

const numbersSchema = z.array(z.number()).readonly();

/**
 * Outliers of each column against the column's rank in Outlier Order, kept where the curve bends: a straight line
 * between two neighbouring points runs through the columns that were left out.
 */
const outlierCurveSchema = z
  .strictObject({
    /** Rank in Outlier Order, ascending; 0 is the column with the most outliers. */
    ranks: numbersSchema,
    /** Outliers of the column of that rank; divided by the matrix's rows it is the outlier ratio. */
    outliers: numbersSchema,
  })
  .readonly();
export type OutlierCurve = z.infer<typeof outlierCurveSchema>;

const outlierLevelSchema = z
  .strictObject({
    s: z.number(),
    /** Outliers in the whole matrix. */
    outliers: z.number(),
    /** `outliers` divided by the number of weights. */
    ratio: z.number(),
    columnsWithAny: z.number(),
    /** For each of SHARE_PERCENTS: share (0..1) of the outliers that stand in the top columns; 0 where there are none. */
    topShares: numbersSchema,
    curve: outlierCurveSchema,
    /** The top 10 % of columns in Outlier Order: their indices, and the outliers of each. */
    top: z.strictObject({ columns: numbersSchema, outliers: numbersSchema }).readonly(),
  })
  .readonly();
/** One matrix at one S. */
export type OutlierLevel = z.infer<typeof outlierLevelSchema>;

const matrixInspectionSchema = z
  .strictObject({
    block: z.number(),
    kind: z.enum(MATRIX_KINDS),
    name: z.string(),
    rows: z.number(),
    columns: z.number(),
    /** Mean and largest |w| of the matrix. */
    meanMagnitude: z.number(),
    maxMagnitude: z.number(),
    /** One for each S, in the order of `ModelInspection.sValues`. */
    levels: z.array(outlierLevelSchema).readonly(),
  })
  .readonly();
export type MatrixInspection = z.infer<typeof matrixInspectionSchema>;

const modelInspectionSchema = z
  .strictObject({
    model: modelDescriptionSchema,
    /** Ascending, without repeats. */
    sValues: numbersSchema,
    tieRule: z.enum(TIE_RULES),
    /** Block by block, in a block in the order of MATRIX_KINDS. */
    matrices: z.array(matrixInspectionSchema).readonly(),
  })
  .readonly();
export type ModelInspection = z.infer<typeof modelInspectionSchema>;

export const inspectionResultSchema = z
  .strictObject({
    inspection: modelInspectionSchema,
    /** The S asked for. */
    outlierS: z.number(),
    /** The matrix asked for; where none was, the one with the largest outlier ratio. */
    shown: matrixInspectionSchema,
    /** Tensors that the folder holds and the model does not use, in the order of their files. */
    unused: z.array(z.string()).readonly(),
  })
  .readonly();
/** What is answered to a request to inspect a model. */
export type InspectionResult = z.infer<typeof inspectionResultSchema>;

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

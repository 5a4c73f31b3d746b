/** What is known of a model's columns from its weights alone, as a window asks for it. Arrays travel as text (number-text.ts). */
import { z } from 'zod';
import { activityIdSchema } from './activity.ts';
import { modelIdSchema } from './library.ts';
import { MATRIX_KINDS } from './model.ts';
import { numberTextSchema } from './number-text.ts';
import { TIE_RULES } from './outlier-order.ts';

/** A matrix of a model in the library. */
export const matrixAddressSchema = z.strictObject({
  id: modelIdSchema,
  block: z.int().min(0),
  kind: z.enum(MATRIX_KINDS),
});
export type MatrixAddress = z.infer<typeof matrixAddressSchema>;

/** A matrix in a few numbers. */
export const matrixOverviewSchema = z.strictObject({
  block: z.int(),
  kind: z.enum(MATRIX_KINDS),
  rows: z.int(),
  columns: z.int(),
  /** Mean and largest |w|. */
  meanMagnitude: z.number(),
  maxMagnitude: z.number(),
  /** At each of OUTLIER_LEVELS: outliers of the matrix, and columns with at least one. */
  outliers: z.array(z.int()),
  ranked: z.array(z.int()),
});
export type MatrixOverview = z.infer<typeof matrixOverviewSchema>;

/** First `overview` with everything that is known, and again when it begins, ends or is forgotten; in between what is new. */
export const statisticsEventSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('overview'),
    /** The activity that measures, while one does. */
    measuring: activityIdSchema.nullable(),
    /** Matrices of the model: all are measured when there are as many below. */
    total: z.int(),
    /** Block by block, in a block in the order of MATRIX_KINDS. */
    matrices: z.array(matrixOverviewSchema),
  }),
  z.strictObject({ kind: z.literal('matrices'), matrices: z.array(matrixOverviewSchema) }),
]);
export type StatisticsEvent = z.infer<typeof statisticsEventSchema>;

/** A matrix column by column. */
export const matrixStatisticsSchema = z.strictObject({
  block: z.int(),
  kind: z.enum(MATRIX_KINDS),
  rows: z.int(),
  columns: z.int(),
  meanMagnitude: z.number(),
  /** Float32, one value a column: largest |w|, sum of squares, mean, variance (of the column's entries, divided by rows). */
  maxima: numberTextSchema,
  energies: numberTextSchema,
  means: numberTextSchema,
  variances: numberTextSchema,
  /** Uint32 [levels][columns]: outliers at the first `levels` of OUTLIER_LEVELS; at the others there are none. */
  levels: z.int(),
  outliers: numberTextSchema,
  /** What breaks ties: diag(H) of the latest run that has calibrated, else the largest |w|. Float32, one value a column. */
  tieRule: z.enum(TIE_RULES),
  ties: numberTextSchema,
});
export type MatrixStatistics = z.infer<typeof matrixStatisticsSchema>;

/** The orders of all matrices at one S. */
export const outlierOrdersSchema = z.strictObject({
  s: z.number(),
  tieRule: z.enum(TIE_RULES),
  /** Uint16 of every matrix, one after another: its columns in Outlier Order. */
  columns: numberTextSchema,
});
export type OutlierOrders = z.infer<typeof outlierOrdersSchema>;

/** A picture of entries has at most this many cells; a larger window is reduced to the largest |w| of each cell. */
export const MAX_ENTRY_CELLS = 512;

export const entriesRequestSchema = matrixAddressSchema.extend({
  /** [from, to) */
  rows: z.tuple([z.int().min(0), z.int().min(1)]),
  columns: z.tuple([z.int().min(0), z.int().min(1)]),
});
export type EntriesRequest = z.infer<typeof entriesRequestSchema>;

/** A window of a matrix's entries. */
export const entriesSchema = z.strictObject({
  rows: z.tuple([z.int(), z.int()]),
  columns: z.tuple([z.int(), z.int()]),
  /** Entries of a cell in each direction: 1 where every entry is shown; the last cells may hold fewer. */
  rowStep: z.int(),
  columnStep: z.int(),
  /** Float32 [cell rows][cell columns]: largest |w| / mean|W| in the cell. */
  values: numberTextSchema,
});
export type Entries = z.infer<typeof entriesSchema>;

export const columnRequestSchema = matrixAddressSchema.extend({
  column: z.int().min(0),
  /** Share reserved at each tail, 0..0.25: codebooks are fitted on the rest. */
  tailShare: z.number().min(0).max(0.25),
});
export type ColumnRequest = z.infer<typeof columnRequestSchema>;

/** A column up close. */
export const columnViewSchema = z.strictObject({
  column: z.int(),
  rows: z.int(),
  /** Float32 [rows], ascending. */
  sorted: numberTextSchema,
  /** Mean |W| of the matrix. */
  meanMagnitude: z.number(),
  /** Entries reserved at each tail. */
  reserved: z.int(),
  /** For each width from MIN_WIDTH to MAX_WIDTH. */
  codebooks: z.array(
    z.strictObject({
      width: z.int(),
      /** Ascending; 2^width, fewer where the column has fewer distinct values. */
      centroids: z.array(z.number()),
      /** Sum over the entries that are not reserved. */
      squaredError: z.number(),
    }),
  ),
});
export type ColumnView = z.infer<typeof columnViewSchema>;

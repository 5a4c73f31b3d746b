/**
 * run.json: everything that a quantization was made with and came to. Written first, after each block, and when it ends.
 * A run that was stopped goes on from it: a session is what one process did for the run.
 */
import { z } from 'zod';
import { forwardPrecisionSchema } from './engine.ts';
import { exportResultSchema, exportTargetSchema } from './exports.ts';
import { CODEBOOK_FITS, COLUMN_ORDERS, METHODS } from './method.ts';
import type { ModelBudget } from './model-budget.ts';
import { MATRIX_KINDS } from './model.ts';
import { TIE_RULES } from './outlier-order.ts';
import { plusChoicesSchema } from './plus.ts';

export const RUN_RECORD_VERSION = 2;

const corpusSchema = z.strictObject({
  paths: z.array(z.string()).readonly(),
  files: z.int(),
  skipped: z.int(),
  sha256: z.string(),
  documents: z.int(),
  bytes: z.int(),
});

export const perplexityFigureSchema = z.strictObject({
  perplexity: z.number(),
  meanNll: z.number(),
  /** How it was measured: `gptq` is consecutive windows of the whole text, each scored without its first token. */
  protocol: z.literal('gptq'),
  windows: z.int(),
  /** Tokens of a window. */
  contextLength: z.int(),
  /** Tokens that were scored. */
  tokens: z.int(),
  text: z.string(),
  textSha256: z.string(),
  /** What computed it, and how its products were rounded; records of before these were written have neither. */
  engine: z.string().optional(),
  forwardPrecision: forwardPrecisionSchema.optional(),
});
/** A perplexity and all that has to be the same before two of them may be compared. */
export type PerplexityFigure = z.infer<typeof perplexityFigureSchema>;

/** What became of a matrix. */
export const matrixResultSchema = z.strictObject({
  block: z.int(),
  kind: z.enum(MATRIX_KINDS),
  rows: z.int(),
  columns: z.int(),
  /** Of the arrays in its packed file. */
  bytes: z.int(),
  /** Null for rtn: without compensation the sum says nothing about the layer's output. */
  loss: z.number().nullable(),
  /** Entries that are outliers at S, as a share of all. */
  outlierRatio: z.number(),
  /** Share of the mean of diag(H) that was added to it. */
  damping: z.number(),
  /** Columns by width and reserved entries. */
  classes: z.array(z.strictObject({ width: z.int(), reserved: z.int(), columns: z.int() })),
});
export type MatrixResult = z.infer<typeof matrixResultSchema>;

const matrixRecordSchema = matrixResultSchema.extend({
  name: z.string(),
  /** File of its codes, relative to the run's folder. */
  file: z.string(),
  /** Of the file. */
  sha256: z.string(),
});
export type MatrixRecord = z.infer<typeof matrixRecordSchema>;

const timeSchema = z.strictObject({
  sessions: z.int().min(1),
  /** Of all sessions; of one that was stopped, up to the last time that it wrote this record. */
  seconds: z.number(),
  /**
   * Seconds spent in each part; of a session that was stopped, up to its last block. Going on costs some: a session takes
   * its texts through the finished blocks once more. `original` is the evaluation of the model as it was, `export` that of a run
   * which exports what it made; records of before these were measured have neither.
   */
  timing: z.record(z.string(), z.number()),
});
/** What a run took. */
export type RunTime = z.infer<typeof timeSchema>;

/** What a complete run came to. */
export const runFiguresSchema = z.strictObject({
  nominalBits: z.number(),
  storedBits: z.number(),
  weights: z.int(),
  sourceBytes: z.int(),
  packedBytes: z.int(),
  /** Null for rtn, whose errors are not compensated. */
  loss: z.number().nullable(),
  /** Of claq-plus: the part of the drift that its corrections made up for. */
  strength: z.number().optional(),
  before: perplexityFigureSchema.nullable(),
  after: perplexityFigureSchema.nullable(),
  ...timeSchema.shape,
});
export type RunFigures = z.infer<typeof runFiguresSchema>;

const budgetParts = {
  precision: z.strictObject({ low: z.number(), high: z.number(), average: z.number() }),
  reservation: z
    .strictObject({
      nominalBits: z.number(),
      headColumns: z.number(),
      headShare: z.number(),
      restShare: z.number(),
    })
    .nullable(),
};

const budgetOverrideRecordSchema = z.strictObject({
  /** Blocks from 0, both ends included; null for all. */
  layers: z.array(z.strictObject({ from: z.int(), to: z.int() })).nullable(),
  /** Null for all kinds. */
  matrices: z.array(z.enum(MATRIX_KINDS)).nullable(),
  ...budgetParts,
});

/** An export inside of the run's folder, in the folder of its target. */
export const exportRecordSchema = exportResultSchema.extend({
  target: exportTargetSchema,
  /** ISO 8601, UTC. */
  madeAt: z.string(),
});
export type ExportRecord = z.infer<typeof exportRecordSchema>;

export const runRecordSchema = z.strictObject({
  version: z.literal(RUN_RECORD_VERSION),
  program: z.string(),
  status: z.enum(['running', 'complete', 'failed', 'cancelled']),
  /** Of the first session. */
  startedAt: z.string(),
  /** Absolute path of the source model (a folder, or a GGUF file), and what its files were. */
  model: z.strictObject({ folder: z.string(), files: z.record(z.string(), z.string()) }),
  settings: z.strictObject({
    method: z.enum(METHODS),
    budget: z.string(),
    ...budgetParts,
    /** Other budgets of some matrices, of which the last that matches holds; records of before there were any have none. */
    overrides: z.array(budgetOverrideRecordSchema).optional(),
    outlierS: z.number(),
    /**
     * What widths and shares followed, and what codebooks were fitted on; null for a uniform grid, which has neither. An allocation
     * over the whole model (claq-plus) follows no order.
     */
    columnOrder: z.enum(COLUMN_ORDERS).nullable(),
    /** What broke ties in the Outlier Order; null where the order was another. */
    tieRule: z.enum(TIE_RULES).nullable(),
    codebookFit: z.enum(CODEBOOK_FITS).nullable(),
    groupSize: z.int().nullable(),
    percdamp: z.number(),
    actOrder: z.boolean(),
    seed: z.int(),
    /** Of claq-plus alone. */
    plus: plusChoicesSchema.optional(),
  }),
  calibration: z.strictObject({
    corpus: corpusSchema,
    segments: z.int(),
    length: z.int(),
    seed: z.int(),
    documents: z.enum(['separate', 'joined']),
  }),
  /** Of the latest session; those before it had the same, but for the threads and Node's version. */
  engine: z.strictObject({
    backend: z.string(),
    /** Of the products in the forward pass. */
    forwardPrecision: forwardPrecisionSchema,
    kernels: z.enum(['relaxed', 'simd']),
    threads: z.int(),
    node: z.string(),
  }),
  /** What a run of claq-plus took for its strength where that was to be chosen, and the trials that it was chosen by. */
  strength: z
    .strictObject({
      chosen: z.number(),
      trials: z.array(z.strictObject({ strength: z.number(), nll: z.number(), standardError: z.number() })),
    })
    .optional(),
  /** Of an unfinished run, blocks with all their matrices here need not be quantized again. */
  matrices: z.array(matrixRecordSchema),
  /** What an unfinished run has come to beside its matrices; null once the run is complete. */
  soFar: timeSchema.extend({ before: perplexityFigureSchema.nullable() }).nullable(),
  /** Set once the run is complete. */
  result: runFiguresSchema.nullable(),
  /** The latest last; one of each target. */
  exports: z.array(exportRecordSchema),
});
export type RunRecord = z.infer<typeof runRecordSchema>;

/** The budget that a run was made with, as its record has it. */
export function recordOfBudget({
  base,
  overrides,
}: ModelBudget): Pick<RunRecord['settings'], 'precision' | 'reservation' | 'overrides'> {
  return {
    precision: base.precision,
    reservation: base.reservation ?? null,
    overrides: overrides.map(({ layers, matrices, budget }) => ({
      layers: layers === undefined ? null : [...layers],
      matrices: matrices === undefined ? null : [...matrices],
      precision: budget.precision,
      reservation: budget.reservation ?? null,
    })),
  };
}

export function budgetOfRecord({
  precision,
  reservation,
  overrides = [],
}: Pick<RunRecord['settings'], 'precision' | 'reservation' | 'overrides'>): ModelBudget {
  return {
    base: { precision, reservation: reservation ?? undefined },
    overrides: overrides.map(({ layers, matrices, ...own }) => ({
      layers: layers ?? undefined,
      matrices: matrices ?? undefined,
      budget: { precision: own.precision, reservation: own.reservation ?? undefined },
    })),
  };
}

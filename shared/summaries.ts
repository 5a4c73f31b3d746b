/** What the long jobs of the service answer once they are done. */
import { exportResultSchema, exportTargetSchema } from './exports.ts';
import { z } from 'zod';
import { forwardPrecisionSchema } from './engine.ts';
import { METHODS } from './method.ts';
import { perplexityFigureSchema } from './run-record.ts';
import { modelSensitivitySchema } from './sensitivity.ts';

export const quantizeSummarySchema = z.strictObject({
  model: z.string(),
  method: z.enum(METHODS),
  /** Label of the budget, for example `2.12 (AP 2.05 + OR 0.07)`. */
  budget: z.string(),
  /** Bits a weight as the paper counts them, and every byte of the packed form divided by the number of weights. */
  nominalBits: z.number(),
  storedBits: z.number(),
  /** Weights in the quantized matrices, their bytes in the source model, and packed. */
  weights: z.number(),
  sourceBytes: z.number(),
  packedBytes: z.number(),
  /** Sum over the matrices of (w - q)^2 / U[i,i]^2 / 2; undefined for rtn, whose errors are not compensated. */
  loss: z.number().or(z.undefined()),
  /** Of claq-plus: the part of the drift that its corrections made up for. */
  strength: z.number().optional(),
  /** On the same windows; undefined where no evaluation was asked for. */
  before: perplexityFigureSchema.or(z.undefined()),
  after: perplexityFigureSchema.or(z.undefined()),
  /** Of all sessions, the export included. */
  seconds: z.number(),
  /** 1 where the run was never stopped. */
  sessions: z.number(),
  /** Seconds spent in each part, of all sessions. */
  timing: z.record(z.string(), z.number()),
  runFolder: z.string(),
  /** Undefined where no export was asked for. */
  exportFolder: z.string().or(z.undefined()),
});
export type QuantizeSummary = Readonly<z.infer<typeof quantizeSummarySchema>>;

export const evaluateSummarySchema = perplexityFigureSchema.extend({
  model: z.string(),
  engine: z.string(),
  forwardPrecision: forwardPrecisionSchema,
  seconds: z.number(),
});
export type EvaluateSummary = Readonly<z.infer<typeof evaluateSummarySchema>>;

export const sensitivitySummarySchema = modelSensitivitySchema.extend({
  model: z.string(),
  seconds: z.number(),
});
export type SensitivitySummary = Readonly<z.infer<typeof sensitivitySummarySchema>>;

export const exportSummarySchema = exportResultSchema.extend({
  source: z.string(),
  folder: z.string(),
  target: exportTargetSchema,
});
export type ExportSummary = Readonly<z.infer<typeof exportSummarySchema>>;

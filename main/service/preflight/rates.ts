/** How fast a machine does the parts of a run, on one engine with so many threads. */
import { z } from 'zod';
import { rateCurveSchema } from './rate-curve.ts';

const rate = z.number().positive();

export const ratesSchema = z
  .strictObject({
    /** Flops a second of all the tensor operations of a part together, without transfers, by the hidden size of the model. */
    forward: rateCurveSchema,
    hessian: rateCurveSchema,
    factor: rateCurveSchema,
    /** Blocks and head. */
    evaluate: rateCurveSchema,
    /** Flops a second of the kernels, all threads: what carries errors from column to column. */
    updates: rate,
    /** How many times as fast one thread is as column-costs.ts says. */
    codebooks: rate,
    planning: rate,
    /** Weights a second that are arranged, counted and chosen for, in plain TypeScript. */
    bookkeeping: rate,
    /** Weights a second that are dequantized, packed, written, and hashed. */
    writing: rate,
    /** Bytes a second to and from the tensor operations. */
    upload: rate,
    download: rate,
    /** Bytes a second of files read and hashed. A disk slower than the system's cache shows in runs alone. */
    reading: rate,
    /** Seconds until the engine has started. */
    start: z.number().nonnegative(),
  })
  .readonly();
export type Rates = z.infer<typeof ratesSchema>;

/**
 * Where nothing was measured: two cores of a server with TensorFlow, by docs/performance.md (whole runs of SmolLM2-135M, one block
 * of LLaMA-7B's shape). A guess for any other machine.
 */
export const TYPICAL_RATES: Rates = {
  forward: [{ size: 576, rate: 60e9 }],
  hessian: [{ size: 576, rate: 55e9 }],
  factor: [
    { size: 576, rate: 7e9 },
    { size: 4096, rate: 19e9 },
  ],
  evaluate: [{ size: 576, rate: 60e9 }],
  updates: 30e9,
  codebooks: 1,
  planning: 1,
  bookkeeping: 38e6,
  writing: 32e6,
  upload: 4e9,
  download: 4e9,
  reading: 0.5e9,
  start: 2,
};

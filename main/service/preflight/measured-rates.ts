/** What a measurement of rates is asked for and answers: said between threads, and kept by the caller. */
import { z } from 'zod';
import { engineChoiceSchema, engineInUseSchema, forwardPrecisionSchema } from '../../../shared/engine.ts';
import { ratesSchema } from './rates.ts';

export const ratesRequestSchema = z.strictObject({
  engine: engineChoiceSchema.default('auto'),
  /** Kernel threads; without them one a core. */
  threads: z.int().min(1).optional(),
  forwardPrecision: forwardPrecisionSchema.default('float32'),
});
export type RatesRequest = z.input<typeof ratesRequestSchema>;

/** Rates, and what they are the rates of. */
export const measuredRatesSchema = z.strictObject({
  engine: engineInUseSchema,
  threads: z.int().min(1),
  forwardPrecision: forwardPrecisionSchema,
  rates: ratesSchema,
  /** ISO 8601, UTC. */
  measuredAt: z.string(),
  /** Cores that other programs kept busy meanwhile. */
  otherCores: z.number().nonnegative(),
});
export type MeasuredRates = Readonly<z.infer<typeof measuredRatesSchema>>;

/**
 * CLAQ+: what raises quality at the same stored bits beyond the paper's method. Each technique can be had alone; with none of
 * them the method is the paper's.
 */
import { z } from 'zod';

/**
 * `allocation`: widths 1 to 8 and reserved entries of every column of the whole model where they pay most, for the bytes of the
 * budget. `row-scales`: rows divided by their root mean square. `row-sensitivity`: rows whose outputs the loss feels more weigh
 * more in codebooks. `byte-codebooks`: centroids of narrow codebooks in a byte each. `error-reservation`: reserved are the entries
 * that a codebook serves worst. `asymmetric`: matrices make up for inputs that have drifted from the original model's; `residual`: o and
 * down make up for what the residual stream has. `sweeps`: coordinate descent over columns that have been quantized once.
 */
export const PLUS_TECHNIQUES = [
  'allocation',
  'row-scales',
  'row-sensitivity',
  'byte-codebooks',
  'error-reservation',
  'asymmetric',
  'residual',
  'sweeps',
] as const;
export type PlusTechnique = (typeof PLUS_TECHNIQUES)[number];

export const DEFAULT_SWEEPS = 2;
/** The gain of further sweeps is lost in the noise long before this. */
const MAX_SWEEPS = 16;

/** The part of a correction that is made, above 0 and up to 1, or `auto`: what serves calibration segments best that it was not made from. */
export const plusStrengthSchema = z.union([z.literal('auto'), z.number().gt(0).max(1)]);
export type PlusStrength = z.infer<typeof plusStrengthSchema>;
/** Where there is nothing to choose by. */
export const USUAL_STRENGTH = 0.25;

export const plusChoicesSchema = z.strictObject({
  techniques: z
    .array(z.enum(PLUS_TECHNIQUES))
    .max(PLUS_TECHNIQUES.length)
    .default([...PLUS_TECHNIQUES]),
  strength: plusStrengthSchema.default('auto'),
  sweeps: z.int().min(1).max(MAX_SWEEPS).default(DEFAULT_SWEEPS),
  /** Of all packed matrices together, which an allocation spends as far as columns' steps let it, and never goes over; without it what the budget comes to. */
  bytes: z.int().min(1).optional(),
});
export type PlusChoices = z.output<typeof plusChoicesSchema>;

/** The same choices in one form: techniques once each, in the order of PLUS_TECHNIQUES. */
export function inOrder({ techniques, ...choices }: PlusChoices): PlusChoices {
  return { techniques: PLUS_TECHNIQUES.filter((each) => techniques.includes(each)), ...choices };
}

/** Which techniques are used, whatever else is chosen. */
interface UsedTechniques {
  readonly techniques: readonly PlusTechnique[];
}

export function hasTechnique({ techniques }: UsedTechniques, technique: PlusTechnique): boolean {
  return techniques.includes(technique);
}

/** Whether gradients of the original model's loss are needed. */
export function takesGradients(choices: UsedTechniques): boolean {
  return hasTechnique(choices, 'allocation') || hasTechnique(choices, 'row-sensitivity');
}

/** Whether the original model's activations are needed beside the quantized model's. */
export function followsOriginal(choices: UsedTechniques): boolean {
  return hasTechnique(choices, 'asymmetric') || hasTechnique(choices, 'residual');
}

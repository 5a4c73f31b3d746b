/** What a run that chooses by benefit is foretold to give each column, from an analysis: the run itself goes by its own calibration. */
import { z } from 'zod';
import { ERROR_WEIGHTINGS } from './loss-profile.ts';
import { numberTextSchema } from './number-text.ts';
import { budgetOverridesSchema, budgetRequestSchema } from './requests.ts';

export const foretoldBudgetSchema = z.strictObject({
  budget: budgetRequestSchema,
  overrides: budgetOverridesSchema,
});
export type ForetoldBudgetRequest = z.infer<typeof foretoldBudgetSchema>;

/** Columns of all matrices one after another, block by block, in a block in the order of MATRIX_KINDS. */
export const foretoldColumnsSchema = z.strictObject({
  weighting: z.enum(ERROR_WEIGHTINGS),
  /** Uint8 of each column. */
  widths: numberTextSchema,
  /** Uint32 of each column: entries of both tails. */
  reserved: numberTextSchema,
});
export type ForetoldColumns = z.infer<typeof foretoldColumnsSchema>;

/** How many columns of each matrix get what; matrices in the same order. */
export const foretoldClassesSchema = z.strictObject({
  weighting: z.enum(ERROR_WEIGHTINGS),
  matrices: z.array(z.array(z.strictObject({ width: z.int(), reserved: z.int(), columns: z.int() }))),
});
export type ForetoldClasses = z.infer<typeof foretoldClassesSchema>;

/**
 * What quantizing costs in squared error, measured for every column on the original weights and reduced to what a budget's
 * preview needs: sums along an order of the columns.
 */
import { z } from 'zod';
import { numberTextSchema } from './number-text.ts';
import { TIE_RULES } from './outlier-order.ts';

/** Widths whose errors are measured. Each further bit divides the error by 4 (Panter and Dite 1951). */
export const ANALYSED_WIDTHS = [1, 2, 3, 4, 5] as const;

/** Shares reserved at each tail whose errors are measured; between them the error's logarithm is interpolated. */
export const ANALYSED_TAIL_SHARES = [0, 0.002, 0.004, 0.008, 0.014, 0.028] as const;

/** Positions along an order, as shares of the columns, that sums are known at: dense at the head, where budgets part. */
export const PROFILE_POSITIONS: readonly number[] = Array.from({ length: 65 }, (_, i) => (i / 64) ** 2);

/**
 * What an error in a column weighs: 1, or, once a run has calibrated, what it does to the layer's output (D of the
 * factorization H = U D U^T, halved as in the reported loss).
 */
export const ERROR_WEIGHTINGS = ['none', 'calibrated'] as const;
export type ErrorWeighting = (typeof ERROR_WEIGHTINGS)[number];

/** Of all matrices, block by block, in a block in the order of MATRIX_KINDS. */
export const lossProfileSchema = z.strictObject({
  s: z.number(),
  tieRule: z.enum(TIE_RULES),
  weighting: z.enum(ERROR_WEIGHTINGS),
  /**
   * Float32 [matrix][position][tail share][width]: error of the first columns in Outlier Order, up to each of
   * PROFILE_POSITIONS, at each of ANALYSED_TAIL_SHARES and ANALYSED_WIDTHS; a position between two columns takes its part of the
   * second one.
   */
  sums: numberTextSchema,
  /** Float32 [matrix]: weighted sum of squares of all weights, what an error is relative to. */
  energies: numberTextSchema,
});
export type LossProfile = z.infer<typeof lossProfileSchema>;

/** Points of a curve by benefit. */
export const BENEFIT_POINTS = 65;

/** One of the budgets by benefit that curves are asked for. */
export const benefitBudgetSchema = z.strictObject({
  low: z.int().min(1).max(8),
  high: z.int().min(1).max(8),
  headShare: z.number().min(0).max(0.25),
  restShare: z.number().min(0).max(0.25),
});
export type BenefitBudget = z.infer<typeof benefitBudgetSchema>;

/** What a matrix loses when its stored bits are spent where they pay most (benefit): a falling, convex curve for each matrix. */
export const benefitCurvesSchema = z.strictObject({
  weighting: z.enum(ERROR_WEIGHTINGS),
  /** Of each budget asked for, Float32 [matrix][BENEFIT_POINTS][2]: stored bits a weight, error. */
  curves: z.array(numberTextSchema),
});
export type BenefitCurves = z.infer<typeof benefitCurvesSchema>;

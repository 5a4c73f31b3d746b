/** Which S separates a model's columns best: 13, the paper's, says nothing where no entry is 13 times the mean. */
import { OUTLIER_LEVELS } from './outlier-levels.ts';

/** Of a matrix: its columns, and at each of OUTLIER_LEVELS how many of them have at least one outlier. */
export interface RankedColumns {
  readonly columns: number;
  readonly ranked: readonly number[];
}

/** Share of the columns that adaptive precision and outlier reservation treat apart: their order has to come from outliers. */
export const HEAD_SHARE = 0.1;

/**
 * The largest of OUTLIER_LEVELS at which, in at least half of the matrices, the head of the columns (HEAD_SHARE) is ranked by
 * outliers; the lower S is, the more of the order says about the bulk of the weights instead of what stands out of it.
 * Where no level does, the smallest.
 */
export function suggestedS(matrices: readonly RankedColumns[]): number {
  const smallest = OUTLIER_LEVELS[0] ?? 0;
  for (let level = OUTLIER_LEVELS.length - 1; level >= 0; level--) {
    if (2 * separatedMatrices(matrices, level) >= matrices.length) return OUTLIER_LEVELS[level] ?? smallest;
  }
  return smallest;
}

/** Matrices whose head is ranked by outliers at that level. */
export function separatedMatrices(matrices: readonly RankedColumns[], level: number): number {
  return matrices.filter(({ columns, ranked }) => (ranked[level] ?? 0) >= HEAD_SHARE * columns).length;
}

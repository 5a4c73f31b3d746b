/** The S that separates a model's columns, where that is known. */
import { nearestLevel } from '../../shared/outlier-levels.ts';
import { separatedMatrices, suggestedS } from '../../shared/suggested-s.ts';
import type { Measured } from '../inspect/measured.ts';

export interface SuggestedS {
  readonly s: number;
  /** Matrices whose first columns it ranks by outliers, of all. */
  readonly separated: number;
  readonly matrices: number;
}

/** Null where a matrix is missing: with it the suggestion may be another one. */
export function suggestionOf({ matrices, total }: Measured): SuggestedS | null {
  if (total === 0 || matrices.length < total) return null;
  const s = suggestedS(matrices);
  return { s, separated: separatedMatrices(matrices, nearestLevel(s)), matrices: matrices.length };
}

/**
 * The S at which a model's outliers are counted once and for all: dense enough for a slider to move over, so that another
 * S takes no second pass over the weights.
 */

/** From 2, below which more than a tenth of normally distributed weights would be outliers, to 32; 13, the paper's, is one of them. */
export const OUTLIER_LEVELS: readonly number[] = [
  ...steps(2, 8, 0.25),
  ...steps(8, 16, 0.5),
  ...steps(16, 32, 1),
  32,
];

/** [from, to) */
function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: (to - from) / step }, (_, index) => from + index * step);
}

/** Index of the level nearest to `s`; of two at the same distance the lower one. */
export function nearestLevel(s: number): number {
  let nearest = 0;
  for (const [index, level] of OUTLIER_LEVELS.entries()) {
    if (Math.abs(level - s) < Math.abs((OUTLIER_LEVELS[nearest] ?? 0) - s)) nearest = index;
  }
  return nearest;
}

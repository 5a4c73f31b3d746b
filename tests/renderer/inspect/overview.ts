import type { MatrixKind } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import type { MatrixOverview } from '../../../shared/statistics.ts';

/** A matrix of 10 x 20 with these outliers and ranked columns at each level. */
export function overview(
  block: number,
  kind: MatrixKind,
  { outliers = 0, ranked = 0 }: { readonly outliers?: number; readonly ranked?: number } = {},
): MatrixOverview {
  return {
    ...{ block, kind, rows: 10, columns: 20, meanMagnitude: 0.5, maxMagnitude: 4 },
    outliers: OUTLIER_LEVELS.map(() => outliers),
    ranked: OUTLIER_LEVELS.map(() => ranked),
  };
}

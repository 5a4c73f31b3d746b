/** What the figures of the screen mean, in sentences. */
import type { TieRule } from '../../shared/outlier-order.ts';
import { HEAD_SHARE } from '../../shared/suggested-s.ts';

/** What decides among columns with the same number of outliers. */
export const TIE_RULE_WORDS: Readonly<Record<TieRule, string>> = {
  'hessian-diagonal': 'diag(H) of the latest run',
  'max-weight': 'the largest |w| of the column',
  'column-index': 'the column’s number',
};

/** Why that S is suggested. */
export function suggestionWords(separated: number, matrices: number): string {
  const share = `${100 * HEAD_SHARE} %`;
  if (2 * separated < matrices) {
    return `No S ranks the first ${share} of the columns by outliers in half of the matrices: this is the smallest.`;
  }
  return (
    `The largest S at which outliers alone rank the first ${share} of the columns in at least half of the matrices: ` +
    `${separated.toLocaleString('en')} of ${matrices.toLocaleString('en')}.`
  );
}

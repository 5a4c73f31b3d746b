/** Names of the method's choices, as requests, records and options write them. */

/**
 * `claq`: the paper's method with our choices. `claq-plus`: CLAQ+, with what lies beyond the paper (plus.ts). `reference`: those of the authors' code (scikit-learn's K-Means on whole columns, ties of the
 * Outlier Order left as they fall, their counts of reserved entries). `gptq` and `rtn`: the baselines, a uniform grid with
 * and without error compensation.
 */
export const METHODS = ['claq', 'claq-plus', 'reference', 'gptq', 'rtn'] as const;
export type Method = (typeof METHODS)[number];

/** gptq and rtn have one width for all columns of a matrix, and scales; the others have codebooks. */
export function hasUniformGrid(method: Method): boolean {
  return method === 'gptq' || method === 'rtn';
}

/** What widths and shares follow: the Outlier Order, or the calibrated benefit of each column. */
export const COLUMN_ORDERS = ['outlier', 'benefit'] as const;
export type ColumnOrder = (typeof COLUMN_ORDERS)[number];

/** What codebooks are fitted on: the entries that stay coded, or the whole column. */
export const CODEBOOK_FITS = ['kept', 'all'] as const;
export type CodebookFit = (typeof CODEBOOK_FITS)[number];

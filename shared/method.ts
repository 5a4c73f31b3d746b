/** Names of the method's choices, as requests, records and options write them. */

/** `claq`: our choices; `reference`: those of the authors' code; `gptq`, `rtn`: uniform grids to compare with. */
export const METHODS = ['claq', 'reference', 'gptq', 'rtn'] as const;
export type Method = (typeof METHODS)[number];

/** What widths and shares follow: the Outlier Order, or the calibrated benefit of each column. */
export const COLUMN_ORDERS = ['outlier', 'benefit'] as const;
export type ColumnOrder = (typeof COLUMN_ORDERS)[number];

/** What codebooks are fitted on: the entries that stay coded, or the whole column. */
export const CODEBOOK_FITS = ['kept', 'all'] as const;
export type CodebookFit = (typeof CODEBOOK_FITS)[number];

/**
 * The sensitivity metric of CLAQ (arXiv 2405.17233, section on Outlier Order): how many of a column's weights are
 * far larger than the matrix's mean magnitude. Counted on the original weights alone, without calibration.
 */

/** S of the paper: an entry is an outlier when |w| is at least 13 times the mean |w| of its matrix. */
export const DEFAULT_OUTLIER_S = 13;

/** Outlier ratio of each column: its outliers divided by the number of rows. */
export function outlierRatios(counts: Uint32Array, rows: number): Float64Array {
  return Float64Array.from(counts, (count) => count / rows);
}

/**
 * Most columns have no outlier at all, so what breaks ties decides much of the order: `diag(H)` where a calibration
 * has been run, else the largest |w| of the column. `column-index` alone stands for the authors' arbitrary order.
 */
export const TIE_RULES = ['hessian-diagonal', 'max-weight', 'column-index'] as const;
export type TieRule = (typeof TIE_RULES)[number];

export type TieBreak =
  | {
      readonly rule: 'hessian-diagonal' | 'max-weight';
      /** One value for each column; the larger one comes first. */
      readonly values: Float32Array | Float64Array;
    }
  | { readonly rule: 'column-index' };

export interface OutlierOrder {
  /** Column indices by descending outlier ratio. */
  readonly columns: Int32Array;
  /** The rule that broke ties, to be recorded and shown beside the order. */
  readonly tieRule: TieRule;
}

/**
 * Columns in Outlier Order: by descending outlier ratio, then by descending value of the tie rule, then by ascending
 * index, so that the order depends on nothing else.
 *
 * @param ratios outlier ratio (or count) of each column
 */
export function outlierOrder(
  ratios: Float32Array | Float64Array | Uint32Array,
  tieBreak: TieBreak,
): OutlierOrder {
  const { rule } = tieBreak;
  const values = rule === 'column-index' ? new Float64Array(ratios.length) : tieBreak.values;
  if (values.length !== ratios.length) {
    throw new RangeError(`${ratios.length} columns have ${values.length} values of the tie rule ${rule}`);
  }
  const columns = Int32Array.from(ratios, (_, column) => column);
  columns.sort((a, b) => (ratios[b] ?? 0) - (ratios[a] ?? 0) || (values[b] ?? 0) - (values[a] ?? 0) || a - b);
  return { columns, tieRule: rule };
}

/** What GPTQ's loop can do to a column: a K-Means codebook with reserved tails, or a uniform grid. */
import { optimalClusters } from './kmeans.ts';
import type { ColumnQuantizer } from './gptq.ts';

export interface CodebookPlan {
  readonly widths: ArrayLike<number>;
  readonly reservedLow: ArrayLike<number>;
  readonly reservedHigh: ArrayLike<number>;
}

/** Rows of the two tails: the smallest entries first, then the largest of the others; of equal ones the upper rows. */
export function reservedRows(values: ArrayLike<number>, low: number, high: number): Set<number> {
  const value = (row: number): number => values[row] ?? 0;
  const rows = Array.from(values, (_, row) => row);
  const lowest = rows.toSorted((a, b) => value(a) - value(b) || a - b).slice(0, low);
  const taken = new Set(lowest);
  const others = rows.filter((row) => !taken.has(row));
  for (const row of others.sort((a, b) => value(b) - value(a) || a - b).slice(0, high)) taken.add(row);
  return taken;
}

export function nearest(value: number, centroids: readonly number[]): number {
  let best = centroids[0] ?? 0;
  for (const centroid of centroids) if (Math.abs(value - centroid) < Math.abs(value - best)) best = centroid;
  return best;
}

/**
 * An optimal codebook a column, on all its entries or on those that stay in the code; reserved entries keep their value.
 * @param store how codebooks and reserved entries are rounded: to halves, as they are stored, or not at all
 */
export function codebookQuantizer(
  plan: CodebookPlan,
  fit: 'kept' | 'all',
  store: (value: number) => number = toHalf,
): ColumnQuantizer {
  return (values, column) => {
    const reserved = reservedRows(values, plan.reservedLow[column] ?? 0, plan.reservedHigh[column] ?? 0);
    const fitted = fit === 'all' ? values : values.filter((_, row) => !reserved.has(row));
    const { centroids } = optimalClusters(fitted, 2 ** (plan.widths[column] ?? 0));
    const codebook = centroids.map(store);
    return values.map((value, row) => (reserved.has(row) ? store(value) : nearest(value, codebook)));
  };
}

/** An asymmetric uniform grid from the smallest to the largest original weight of each row and group, zero included. */
export function gridQuantizer(
  weights: { readonly rows: number; readonly columns: number; readonly values: ArrayLike<number> },
  width: number,
  groupSize: number,
  store: (value: number) => number = toHalf,
): ColumnQuantizer {
  const top = 2 ** width - 1;
  return (values, column) => {
    const first = Math.floor(column / groupSize) * groupSize;
    const last = Math.min(first + groupSize, weights.columns);
    return values.map((value, row) => {
      let low = 0;
      let high = 0;
      for (let c = first; c < last; c++) {
        low = Math.min(low, weights.values[row * weights.columns + c] ?? 0);
        high = Math.max(high, weights.values[row * weights.columns + c] ?? 0);
      }
      const scale = store(low === high ? 2 / top : (high - low) / top);
      const zero = low === high ? Math.round(1 / scale) : Math.round(-low / scale);
      const level = Math.round(value / scale) + zero;
      return scale * (Math.min(top, Math.max(0, level)) - zero);
    });
  };
}

const half = new Float16Array(1);
function toHalf(value: number): number {
  half[0] = value;
  return half[0];
}

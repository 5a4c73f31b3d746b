/** Order and window of a table's rows. */

export type SortValue = string | number | null;

export interface SortOrder {
  /** Of the column. */
  readonly key: string;
  readonly direction: 'ascending' | 'descending';
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** The rows by that value, those without one always at the end; equal ones stay as they came. */
export function sortedRows<Row>(
  rows: readonly Row[],
  valueOf: (row: Row) => SortValue,
  direction: SortOrder['direction'],
): readonly Row[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return [...rows].sort((a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * collator.compare(String(left), String(right));
  });
}

/** Rows of a table drawn above and below those that are seen, so that scrolling shows no gaps. */
const SPARE_ROWS = 12;

/** First and one behind the last of the rows to draw: those in view, and some spare ones. Heights in pixels. */
export function drawnRows(
  count: number,
  rowHeight: number,
  scrollTop: number,
  viewHeight: number,
  spare = SPARE_ROWS,
): { readonly first: number; readonly end: number } {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - spare);
  const end = Math.min(count, Math.ceil((scrollTop + viewHeight) / rowHeight) + spare);
  return { first: Math.min(first, end), end };
}

/** What a map says in words. */
import { readablePercent } from '../../shared/readable-quantities.ts';
import type { MapCell, ShownEntries } from './map-picture.ts';

export interface PointedColumn {
  /** In Outlier Order, from 1. */
  readonly rank: number;
  readonly columns: number;
  /** Share of its entries that are outliers. */
  readonly ratio: number;
}

/** `Row 3, column 17: 4.20 × mean |W| · rank 12 of 576, outlier ratio 0.3 %`; no row where entries are not shown. */
export function cellWords(
  { row, column }: MapCell,
  value: number | undefined,
  s: number,
  { rank, columns, ratio }: PointedColumn,
): string {
  const number = column.toLocaleString('en');
  const place =
    value === undefined ? `Column ${number}` : `Row ${row.toLocaleString('en')}, column ${number}`;
  const entry =
    value === undefined ? '' : `: ${value.toFixed(2)} × mean |W|${value >= s ? ', an outlier' : ''}`;
  const order = `rank ${rank.toLocaleString('en')} of ${columns.toLocaleString('en')}`;
  return `${place}${entry} · ${order}, outlier ratio ${readablePercent(ratio)}`;
}

/** |w| / mean |W| of a cell; undefined where it is not among the entries. */
export function entryAt(
  { row, column }: MapCell,
  { rows, columns, values }: ShownEntries,
): number | undefined {
  if (row < rows[0] || row >= rows[1] || column < columns[0] || column >= columns[1]) return undefined;
  return values[(row - rows[0]) * (columns[1] - columns[0]) + column - columns[0]];
}

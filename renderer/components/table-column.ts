import type { SortOrder, SortValue } from './table-rows.ts';

export interface TableColumn<Row> {
  readonly key: string;
  readonly label: string;
  /** What the column sorts by; without it, it does not sort. */
  readonly sortBy?: ((row: Row) => SortValue) | undefined;
  /** Where a first click begins: figures with the largest. */
  readonly firstDirection?: SortOrder['direction'] | undefined;
  /** Figures stand at the end, so that their digits are under each other. */
  readonly align?: 'start' | 'end' | undefined;
  /** Columns without one share what is left. */
  readonly width?: `${number}rem` | undefined;
  /** Of a column without a width; 5 rem where not given. */
  readonly leastWidth?: `${number}rem` | undefined;
  /** Where there is no room for all, columns with a number leave, the lowest first; then the table scrolls sideways. */
  readonly givesWay?: number | undefined;
  /** The label is for a screen reader only. */
  readonly hideLabel?: boolean | undefined;
}

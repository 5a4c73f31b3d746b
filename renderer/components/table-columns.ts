/** The columns of a table that there is room for. */
import type { TableColumn } from './table-column.ts';

const LEAST_WIDTH = '5rem';

type Width = Pick<TableColumn<never>, 'width' | 'leastWidth' | 'givesWay'>;

/** The width that the columns need, in rem. */
export function neededWidth(columns: readonly Width[]): number {
  return columns
    .map(({ width, leastWidth = LEAST_WIDTH }) => Number.parseFloat(width ?? leastWidth))
    .reduce((sum, width) => sum + width, 0);
}

/**
 * The columns without those that give way, as many of them as have to.
 * @param room in rem
 */
export function fittingColumns<Column extends Width>(
  columns: readonly Column[],
  room: number,
): readonly Column[] {
  const leaving = columns
    .filter(({ givesWay }) => givesWay !== undefined)
    .sort((a, b) => (a.givesWay ?? 0) - (b.givesWay ?? 0));
  let fitting = columns;
  while (neededWidth(fitting) > room) {
    const next = leaving.shift();
    if (next === undefined) break;
    fitting = fitting.filter((column) => column !== next);
  }
  return fitting;
}

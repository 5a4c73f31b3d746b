import { expect, it } from 'vitest';
import type { TableColumn } from '../../../renderer/components/table-column.ts';
import { fittingColumns, neededWidth } from '../../../renderer/components/table-columns.ts';

type Column = Pick<TableColumn<never>, 'key' | 'width' | 'leastWidth' | 'givesWay'>;

/** 34 rem together: the name has no width of its own. */
const COLUMNS: readonly Column[] = [
  { key: 'name', leastWidth: '10rem' },
  { key: 'size', width: '5.5rem', givesWay: 2 },
  { key: 'bits', width: '5rem' },
  { key: 'time', width: '4rem', givesWay: 1 },
  { key: 'date', width: '9.5rem', givesWay: 3 },
];

function keys(room: number): string {
  return fittingColumns(COLUMNS, room)
    .map(({ key }) => key)
    .join(' ');
}

it('adds up what columns have, or need at least', () => {
  expect(neededWidth(COLUMNS)).toBe(34);
  expect(neededWidth([{}, { width: '4.25rem' }])).toBe(9.25);
});

it('lets columns go one after the other, and keeps the others in their order', () => {
  expect(keys(34)).toBe('name size bits time date');
  expect(keys(33.9)).toBe('name size bits date');
  expect(keys(29.9)).toBe('name bits date');
  expect(keys(24.4)).toBe('name bits');
});

it('keeps those that give no way, however little room there is', () => {
  expect(keys(0)).toBe('name bits');
});

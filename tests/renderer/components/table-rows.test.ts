import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawnRows, sortedRows } from '../../../renderer/components/table-rows.ts';

describe('sortedRows', () => {
  it('sorts figures as figures and names as people count, with the unknown at the end either way', () => {
    const rows = [3, null, 20, 1];
    const itself = (row: number | null): number | null => row;
    expect(sortedRows(rows, itself, 'ascending')).toEqual([1, 3, 20, null]);
    expect(sortedRows(rows, itself, 'descending')).toEqual([20, 3, 1, null]);
    const names = ['block 10', 'Block 2', 'block 1'];
    expect(sortedRows(names, (name) => name, 'ascending')).toEqual(['block 1', 'Block 2', 'block 10']);
  });

  it('leaves equal rows as they came', () => {
    const rows = [
      { id: 1, bits: 2 },
      { id: 2, bits: 2 },
      { id: 3, bits: 1 },
    ];
    expect(sortedRows(rows, ({ bits }) => bits, 'descending').map(({ id }) => id)).toEqual([1, 2, 3]);
  });
});

describe('drawnRows', () => {
  it('draws what is in view and twelve rows on either side', () => {
    expect(drawnRows(2000, 34, 0, 340)).toEqual({ first: 0, end: 22 });
    expect(drawnRows(2000, 34, 34_000, 340)).toEqual({ first: 988, end: 1022 });
    expect(drawnRows(3, 34, 0, 340)).toEqual({ first: 0, end: 3 });
    expect(drawnRows(0, 34, 500, 340)).toEqual({ first: 0, end: 0 });
  });

  it('always has the rows in view, never more than there are', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(200_000), fc.integer({ min: 1, max: 3000 }), (count, top, height) => {
        const { first, end } = drawnRows(count, 34, top, height);
        expect(first).toBeGreaterThanOrEqual(0);
        expect(end).toBeLessThanOrEqual(count);
        expect(first).toBeLessThanOrEqual(Math.max(0, end));
        for (const y of [top, top + height - 1]) {
          const row = Math.floor(y / 34);
          if (row < count) expect(row >= first && row < end).toBe(true);
        }
      }),
    );
  });
});

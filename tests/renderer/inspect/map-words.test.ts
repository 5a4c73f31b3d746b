import { describe, expect, it } from 'vitest';
import { cellWords, entryAt } from '../../../renderer/inspect/map-words.ts';

const COLUMN = { rank: 12, columns: 4096, ratio: 0.003 };
const ENTRIES = {
  rows: [2, 4] as const,
  columns: [10, 13] as const,
  values: Float32Array.of(1, 2, 3, 4, 5, 6),
};

describe('what a map says of a cell', () => {
  it('is its column, and its entry where that is shown', () => {
    const cell = { row: 1203, column: 17 };
    expect(cellWords(cell, undefined, 5, COLUMN)).toBe('Column 17 · rank 12 of 4,096, outlier ratio 0.3 %');
    expect(cellWords(cell, 4.996, 5, COLUMN)).toBe(
      'Row 1,203, column 17: 5.00 × mean |W| · rank 12 of 4,096, outlier ratio 0.3 %',
    );
    expect(cellWords(cell, 5, 5, COLUMN)).toContain('5.00 × mean |W|, an outlier · ');
  });

  it('has an entry within the part that was read', () => {
    expect(entryAt({ row: 3, column: 11 }, ENTRIES)).toBe(5);
    expect(entryAt({ row: 1, column: 11 }, ENTRIES)).toBeUndefined();
    expect(entryAt({ row: 4, column: 11 }, ENTRIES)).toBeUndefined();
    expect(entryAt({ row: 3, column: 13 }, ENTRIES)).toBeUndefined();
  });
});

import { describe, expect, it } from 'vitest';
import { mapLine, outliersAtRank, unusedLine } from '../../main/cli/inspect-tables.ts';

describe('mapLine', () => {
  it('shades each cell by the share of its columns that are marked', () => {
    // Cells of four columns: none, one, two, three and all of them.
    expect(mapLine([4, 8, 9, 12, 13, 14, 16, 17, 18, 19], 20, 5)).toBe('·░▒▓█');
  });

  it('has cells of unequal width where the columns do not divide', () => {
    expect(mapLine([0, 1, 2], 5, 2)).toBe('█·');
  });
});

describe('unusedLine', () => {
  it('names the first tensor that is not used and counts the others', () => {
    expect(unusedLine([])).toEqual([]);
    expect(unusedLine(['inv_freq'])).toEqual(['Not used: the tensor inv_freq.']);
    expect(unusedLine(['a', ...new Array<string>(1200).fill('b')])).toEqual([
      'Not used: the tensors a and 1,200 more.',
    ]);
  });
});

describe('outliersAtRank', () => {
  const curve = { ranks: [0, 1, 4, 8], outliers: [9, 5, 5, 1] };
  it('reads points and the straight lines between them', () => {
    expect([0, 1, 3, 4, 6, 8].map((rank) => outliersAtRank(curve, rank))).toEqual([9, 5, 5, 5, 3, 1]);
  });
});

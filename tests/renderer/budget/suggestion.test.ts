import { describe, expect, it } from 'vitest';
import { suggestionOf } from '../../../renderer/budget/suggestion.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { overview } from '../inspect/overview.ts';

/** Ranks a tenth of its 100 columns up to an S. */
const rankedUpTo = (block: number, most: number) => ({
  ...overview(block, 'q'),
  columns: 100,
  ranked: OUTLIER_LEVELS.map((s) => (s <= most ? 10 : 9)),
});

describe('the suggested S of a model', () => {
  const matrices = [rankedUpTo(0, 5), rankedUpTo(1, 7), rankedUpTo(2, 3)];

  it('separates half of its matrices', () => {
    expect(suggestionOf({ measuring: null, total: 3, matrices })).toEqual({
      s: 5,
      separated: 2,
      matrices: 3,
    });
  });

  it('is not known while a matrix is missing', () => {
    expect(suggestionOf({ measuring: null, total: 4, matrices })).toBeNull();
    expect(suggestionOf({ measuring: null, total: 0, matrices: [] })).toBeNull();
  });
});

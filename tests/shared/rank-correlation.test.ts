import { expect, it } from 'vitest';
import { rankCorrelation } from '../../shared/rank-correlation.ts';

// scipy 1.17.1, scipy.stats.spearmanr(first, second).statistic
it.each([
  [[3, 1, 4, 1, 5, 9, 2, 6], [2, 7, 1, 8, 2, 8, 1, 8], 0.19885368120992467],
  [[1, 2, 3, 4, 5, 6, 7, 8], [1.1, 2.5, 2.4, 4, 5, 7, 6, 8], 0.9523809523809524],
  [[10, 20, 20, 20, 5], [1, 3, 2, 3, 3], 0.12499999999999999],
  [[1, 2, 3], [3, 2, 1], -1],
])('of %j and %j is %d', (first, second, expected) => {
  expect(rankCorrelation(first, second)).toBeCloseTo(expected, 14);
});

it('is nothing where there is no order', () => {
  expect(rankCorrelation([1, 1, 1], [1, 2, 3])).toBeNaN();
  expect(rankCorrelation([1], [1])).toBeNaN();
  expect(() => rankCorrelation([1, 2], [1])).toThrow(RangeError);
});

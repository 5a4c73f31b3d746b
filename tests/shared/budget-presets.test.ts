import { expect, it } from 'vitest';
import { BUDGET_PRESETS, budgetParts } from '../../shared/budget-presets.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';

it('has the settings of the paper’s tables, and says what they are', () => {
  expect(BUDGET_PRESETS.map(({ bits, parts, description }) => [bits, parts, description])).toEqual([
    [2, 'single', 'Every column at 2 bits.'],
    [2.1, 'AP', 'AP 2.1: 5 % of columns at 4 bits, 95 % at 2.'],
    [
      2.12,
      'AP+OR',
      'AP 2.05: 2.5 % of columns at 4 bits, 97.5 % at 2. OR 0.07: 1.4 % reserved at each tail of 10 % of columns, 0.4 % of the rest.',
    ],
    [
      2.24,
      'AP+OR',
      'AP 2.1: 5 % of columns at 4 bits, 95 % at 2. OR 0.14: 2.8 % reserved at each tail of 10 % of columns, 0.8 % of the rest.',
    ],
    [2.5, 'AP', 'AP 2.5: 25 % of columns at 4 bits, 75 % at 2.'],
    [3, 'single', 'Every column at 3 bits.'],
    [
      3.12,
      'AP+OR',
      'AP 3.05: 5 % of columns at 4 bits, 95 % at 3. OR 0.07: 1.4 % reserved at each tail of 10 % of columns, 0.4 % of the rest.',
    ],
    [
      3.23,
      'AP+OR',
      'AP 3.1: 10 % of columns at 4 bits, 90 % at 3. OR 0.13: 2.6 % reserved at each tail of 10 % of columns, 0.74 % of the rest.',
    ],
    [4, 'single', 'Every column at 4 bits.'],
  ]);
});

it('names a reservation without adaptive widths', () => {
  expect(budgetParts(requestedBudget({ bits: 3, orBits: 0.07 }))).toBe('OR');
});

import { describe, expect, it } from 'vitest';
import { describeBudget } from '../../shared/budget.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import type { BudgetRequest } from '../../shared/requests.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';

const PAPER_SHARES = { nominalBits: 0.07, headColumns: 0.1, headShare: 0.014, restShare: 0.004 };
const only = (width: number) => ({ low: width, high: width, average: width });

describe('requestedBudget', () => {
  it.each<[string, BudgetRequest, object, object | undefined]>([
    ['nothing said', {}, only(4), undefined],
    ['a whole width', { bits: 3 }, only(3), undefined],
    ["the paper's 2.12", { bits: 2.12 }, { low: 2, high: 4, average: 2.05 }, PAPER_SHARES],
    ["the paper's 3.12", { bits: 3.12 }, { low: 3, high: 4, average: 3.05 }, PAPER_SHARES],
    ['an AP average by bits', { bits: 2.1 }, { low: 2, high: 4, average: 2.1 }, undefined],
    ['AP alone', { apAverage: 2.5 }, { low: 2, high: 4, average: 2.5 }, undefined],
    ['AP with a whole average', { apAverage: 3 }, only(3), undefined],
    [
      'AP with widths of its own',
      { apAverage: 3, apWidths: [2, 5] },
      { low: 2, high: 5, average: 3 },
      undefined,
    ],
    ['OR alone, beside the default width', { orBits: 0.07 }, only(4), PAPER_SHARES],
    ['OR beside a whole width', { bits: 2, orBits: 0.07 }, only(2), PAPER_SHARES],
    ['OR beside AP', { apAverage: 2.05, orBits: 0.07 }, { low: 2, high: 4, average: 2.05 }, PAPER_SHARES],
    ['2.12 without its OR', { bits: 2.12, orBits: 0 }, { low: 2, high: 4, average: 2.05 }, undefined],
    [
      '2.12 with other widths',
      { bits: 2.12, apWidths: [2, 3] },
      { low: 2, high: 3, average: 2.05 },
      PAPER_SHARES,
    ],
    [
      '2.12 with another head, which keeps its bits: 2 x (1.1667 x 20 % + 0.3333 x 80 %) = 1 %',
      { bits: 2.12, orColumns: 20 },
      { low: 2, high: 4, average: 2.05 },
      { nominalBits: 0.07, headColumns: 0.2, headShare: 0.0116666666667, restShare: 0.00333333333333 },
    ],
    [
      '2.12 with other shares: 2 x (3 x 10 % + 1 x 90 %) = 2.4 %',
      { bits: 2.12, orShares: [3, 1] },
      { low: 2, high: 4, average: 2.05 },
      { nominalBits: 0.168, headColumns: 0.1, headShare: 0.03, restShare: 0.01 },
    ],
    [
      'OR with another head, which keeps its bits: 2 x (0.7778 x 50 % + 0.2222 x 50 %) = 1 %',
      { bits: 2, orBits: 0.07, orColumns: 50 },
      only(2),
      { nominalBits: 0.07, headColumns: 0.5, headShare: 0.00777777777778, restShare: 0.00222222222222 },
    ],
    [
      'shares of its own, counted as the paper counts: 2 x (1.4 x 10 % + 0.4 x 90 %) = 1 % of the entries',
      { bits: 2, orShares: [1.4, 0.4] },
      only(2),
      PAPER_SHARES,
    ],
    [
      'shares of its own for another head: 2 x (3 x 50 % + 1 x 50 %) = 4 %',
      { bits: 2, orShares: [3, 1], orColumns: 50 },
      only(2),
      { nominalBits: 0.28, headColumns: 0.5, headShare: 0.03, restShare: 0.01 },
    ],
    ['shares of nothing', { bits: 2, orShares: [0, 0] }, only(2), undefined],
  ])('understands %s', (_, request, precision, reservation) => {
    const budget = requestedBudget(request);
    expect(budget.precision).toEqual(precision);
    if (reservation === undefined) expect(budget.reservation).toBeUndefined();
    else expect(rounded(budget.reservation ?? {})).toEqual(reservation);
  });

  it('labels what came of it, not what it began with', () => {
    const label = (request: BudgetRequest): string => describeBudget(requestedBudget(request));
    expect(label({ bits: 2.12, orShares: [3, 1] })).toBe('2.218 (AP 2.05 of {2,4} + OR 0.168)');
    expect(label({ bits: 2.12, orColumns: 50 })).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07)');
    expect(label({ bits: 2, orShares: [1.23, 0.41], orColumns: 7 })).toBe('2.0654 (2 + OR 0.0654)');
  });

  it('scales both shares with the bits of OR', () => {
    const { reservation } = requestedBudget({ bits: 2, orBits: 0.14 });
    expect(rounded(reservation ?? {})).toEqual({
      ...PAPER_SHARES,
      nominalBits: 0.14,
      headShare: 0.028,
      restShare: 0.008,
    });
  });

  it.each<[string, BudgetRequest, string, string]>([
    [
      'an average below its widths',
      { bits: 2.05, apWidths: [3, 4] },
      'budget/cannot-be-met',
      '2.05 bits from widths 3 and 4',
    ],
    [
      'an average above its widths',
      { bits: 4, apWidths: [2, 3] },
      'budget/cannot-be-met',
      '4 bits from widths 2 and 3',
    ],
    ['more OR than a weight has bits for', { orBits: 4.5 }, 'budget/out-of-range', '4.5'],
    ['a tail of more than a quarter', { orShares: [26, 1] }, 'budget/out-of-range', '26 %'],
    ['a width of no bits', { apAverage: 0.5 }, 'budget/out-of-range', '0.5'],
    [
      'columns of a reservation that there is not',
      { bits: 2, orColumns: 20 },
      'budget/contradiction',
      'no outlier reservation',
    ],
  ])('refuses %s', async (_, request, code, found) => {
    expect(await thrownBy(() => requestedBudget(request))).toMatchObject({ code, found });
  });
});

/** Percent and shares are decimal fractions: their products are off in the last bit. */
function rounded(reservation: object): object {
  return Object.fromEntries(
    Object.entries(reservation).map(([name, value]) => [name, Number(Number(value).toPrecision(12))]),
  );
}

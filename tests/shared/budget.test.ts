import { describe, expect, it } from 'vitest';
import {
  adaptivePrecision,
  authorsTails,
  budgetOfBits,
  describeBudget,
  exactTails,
  nominalBits,
  outlierReservation,
  planByOrder,
  reservationOfShares,
  singlePrecision,
} from '../../shared/budget.ts';
import { ClaqError, type ErrorCode } from '../../shared/errors.ts';

function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof ClaqError) return error.code;
    throw error;
  }
  return undefined;
}

describe('budgets by the names of the paper', () => {
  it.each([
    [2.12, 2, 2.05, 0.07, '2.12 (AP 2.05 of {2,4} + OR 0.07)'],
    [2.24, 2, 2.1, 0.14, '2.24 (AP 2.1 of {2,4} + OR 0.14)'],
    [3.12, 3, 3.05, 0.07, '3.12 (AP 3.05 of {3,4} + OR 0.07)'],
    [3.23, 3, 3.1, 0.13, '3.23 (AP 3.1 of {3,4} + OR 0.13)'],
  ])('%d is AP of {%i,4} at %d and OR %d', (bits, low, average, or, text) => {
    const budget = budgetOfBits(bits);
    expect(budget.precision).toEqual({ low, high: 4, average });
    expect(budget.reservation?.nominalBits).toBe(or);
    expect(nominalBits(budget)).toBeCloseTo(bits, 12);
    expect(describeBudget(budget)).toBe(text);
  });

  it('has the released shares behind 0.07, and scales them', () => {
    expect(budgetOfBits(2.12).reservation).toEqual({
      nominalBits: 0.07,
      headColumns: 0.1,
      headShare: 0.014,
      restShare: 0.004,
    });
    const double = budgetOfBits(2.24).reservation;
    expect(double?.headShare).toBeCloseTo(0.028, 12);
    expect(double?.restShare).toBeCloseTo(0.008, 12);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%i is a single precision', (bits) => {
    const budget = budgetOfBits(bits);
    expect(budget).toEqual({ precision: singlePrecision(bits), reservation: undefined });
    expect(budget.precision).toEqual({ low: bits, high: bits, average: bits });
    expect(describeBudget(budget)).toBe(String(bits));
  });

  it.each([
    [1.5, 1, 2],
    [2.1, 2, 4],
    [2.9, 2, 4],
    [3.5, 3, 4],
    [4.25, 4, 5],
    [7.5, 7, 8],
  ])('%d alone is AP of {%i,%i}', (bits, low, high) => {
    expect(budgetOfBits(bits)).toEqual({ precision: { low, high, average: bits }, reservation: undefined });
    expect(describeBudget(budgetOfBits(bits))).toBe(`AP ${bits} of {${low},${high}}`);
  });

  it.each([0, 0.5, 8.1, 9, -2, NaN, Infinity])('%d is out of range', (bits) => {
    expect(codeOf(() => budgetOfBits(bits))).toBe('budget/out-of-range');
  });
});

describe('adaptivePrecision', () => {
  it('takes any pair that can have the average', () => {
    expect(adaptivePrecision(2.5, [2, 3])).toEqual({ low: 2, high: 3, average: 2.5 });
    expect(adaptivePrecision(2, [2, 4])).toEqual({ low: 2, high: 4, average: 2 });
    expect(adaptivePrecision(5, [1, 8])).toEqual({ low: 1, high: 8, average: 5 });
    expect(adaptivePrecision(3, [3, 3])).toEqual(singlePrecision(3));
  });

  it.each<[number, [number, number]]>([
    [4.5, [2, 4]],
    [1.9, [2, 4]],
    [3, [4, 2]],
    [2.5, [2, 2]],
    [NaN, [2, 4]],
  ])('an average of %d cannot be met with widths %j', (average, pair) => {
    expect(codeOf(() => adaptivePrecision(average, pair))).toBe('budget/cannot-be-met');
  });

  it.each<[number, [number, number]]>([
    [0.5, [0, 1]],
    [8.5, [8, 9]],
    [2.5, [2.5, 3]],
  ])('widths %d %j are out of range', (average, pair) => {
    expect(codeOf(() => adaptivePrecision(average, pair))).toBe('budget/out-of-range');
  });
});

describe('outlierReservation', () => {
  it('is nothing where nothing is kept', () => {
    expect(outlierReservation(0)).toBeUndefined();
    expect(reservationOfShares([0, 0])).toBeUndefined();
    expect(reservationOfShares([0.01, 0], 0)).toBeUndefined();
  });

  it.each([0.01, 0.07, 0.13, 0.14, 0.28, 0.5, 1.23])(
    "at %d counts as just that, of the paper's head",
    (bits) => {
      expect(outlierReservation(bits)?.nominalBits).toBe(bits);
    },
  );

  it("counts shares and head columns of one's own as the paper does: 0.07 bits for each 1 % of the entries", () => {
    // 2 x (30 % x 2 %) = 1.2 %; 2 x (10 % x 1.4 % + 90 % x 0.4 %) = 1 %
    expect(reservationOfShares([0.02, 0], 0.3)).toEqual({
      nominalBits: 0.084,
      headColumns: 0.3,
      headShare: 0.02,
      restShare: 0,
    });
    expect(reservationOfShares([0.014, 0.004])?.nominalBits).toBe(0.07);
  });

  it.each([0, 0.05, 0.2, 0.5, 1])(
    'keeps its bits and the ratio of its shares with a head of %d of the columns',
    (head) => {
      const { nominalBits, headShare, restShare } =
        outlierReservation(0.07, head) ?? expect.fail('nothing reserved');
      expect(nominalBits).toBe(0.07);
      expect(headShare / restShare).toBeCloseTo(3.5, 12);
    },
  );

  it.each<[string, () => unknown]>([
    ['less than nothing', () => outlierReservation(-0.1)],
    ['more than all tails', () => outlierReservation(4.1)],
    ['no number', () => outlierReservation(NaN)],
    ['40 % at each tail of the head columns', () => outlierReservation(2)],
    ['more columns than there are', () => outlierReservation(0.07, 1.1)],
    ['too large a share', () => reservationOfShares([0.26, 0.1])],
    ['a share below nothing', () => reservationOfShares([0.1, -0.1])],
  ])('refuses %s', (_, reserve) => {
    expect(codeOf(reserve)).toBe('budget/out-of-range');
  });
});

describe('reserved entries of a column', () => {
  it('are as many at each tail as the share says', () => {
    expect(exactTails(576, 0.014)).toEqual({ low: 8, high: 8 });
    expect(exactTails(576, 0.004)).toEqual({ low: 2, high: 2 });
    expect(exactTails(100, 0.004)).toEqual({ low: 0, high: 0 });
  });

  it("are more in the released code's count: 1.77 % instead of 1 % of 192 rows", () => {
    const head = authorsTails(192, 0.014);
    const rest = authorsTails(192, 0.004);
    expect([head, rest]).toEqual([
      { low: 3, high: 4 },
      { low: 1, high: 2 },
    ]);
    const share = (0.1 * (head.low + head.high) + 0.9 * (rest.low + rest.high)) / 192;
    expect(share).toBeCloseTo(0.0177, 4);
    expect(authorsTails(192, 0)).toEqual({ low: 0, high: 0 });
  });
});

describe('planByOrder', () => {
  // The last column comes first.
  const order = Int32Array.from({ length: 40 }, (_, i) => 39 - i);

  it('widens the head of the order', () => {
    const { widths, reservedLow, reservedHigh } = planByOrder(order, 500, budgetOfBits(2.1));
    expect([...widths]).toEqual([...new Array<number>(38).fill(2), 4, 4]);
    expect([...reservedLow, ...reservedHigh]).toEqual(new Array<number>(80).fill(0));
  });

  it('reserves more at the head of the order', () => {
    const { widths, reservedLow, reservedHigh } = planByOrder(order, 500, budgetOfBits(2.12));
    expect([...widths]).toEqual([...new Array<number>(39).fill(2), 4]);
    expect([...reservedLow]).toEqual([...new Array<number>(36).fill(2), 7, 7, 7, 7]);
    expect(reservedHigh).toEqual(reservedLow);
  });

  it('takes other counts of the tails', () => {
    const plan = planByOrder(order, 192, budgetOfBits(3.12), authorsTails);
    expect([...plan.reservedLow]).toEqual([...new Array<number>(36).fill(1), 3, 3, 3, 3]);
    expect([...plan.reservedHigh]).toEqual([...new Array<number>(36).fill(2), 4, 4, 4, 4]);
  });

  it.each([
    [2, 0],
    [2.5, 10],
    [3, 20],
    [3.75, 35],
    [4, 40],
  ])('at an average of %d of {2,4} widens %i of 40 columns', (average, wide) => {
    const precision = adaptivePrecision(average, [2, 4]);
    const { widths } = planByOrder(order, 100, { precision, reservation: undefined });
    expect(widths.filter((width) => width === 4)).toHaveLength(wide);
  });

  it('keeps a single precision whatever the order', () => {
    const { widths } = planByOrder(order, 100, budgetOfBits(3));
    expect([...widths]).toEqual(new Array<number>(40).fill(3));
  });
});

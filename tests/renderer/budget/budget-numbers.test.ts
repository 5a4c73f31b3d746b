import { describe, expect, it } from 'vitest';
import {
  type BudgetNumbers,
  bitsOf,
  numbersOf,
  numbersOfBits,
  requestOf,
  withWidths,
} from '../../../renderer/budget/budget-numbers.ts';
import { PAPER_BITS } from '../../../shared/budget-presets.ts';
import { requestedBudget } from '../../../shared/requested-budget.ts';

const PAPER: BudgetNumbers = {
  parts: 'AP+OR',
  width: 3,
  low: 2,
  high: 4,
  average: 2.05,
  headShare: 1.4,
  restShare: 0.4,
  headColumns: 10,
};

describe('numbers of a budget', () => {
  it('of the paper’s 2.12', () => {
    expect(numbersOfBits(2.12)).toEqual(PAPER);
  });

  it('keep what the budget does not have', () => {
    expect(numbersOfBits(2.5, { ...PAPER, headShare: 3 })).toEqual({
      ...PAPER,
      parts: 'AP',
      average: 2.5,
      headShare: 3,
    });
    expect(numbersOf({ bits: 4 }, { ...PAPER, average: 2.3 })).toEqual({
      ...PAPER,
      parts: 'single',
      width: 4,
      average: 2.3,
    });
  });

  it('with shares scaled to other bits have twelve digits at most', () => {
    expect(numbersOfBits(3.23)).toEqual({
      ...PAPER,
      low: 3,
      high: 4,
      average: 3.1,
      headShare: 2.6,
      restShare: 0.742857142857,
    });
  });

  it.each(PAPER_BITS)('become the paper’s name again: %d', (bits) => {
    expect(requestOf(numbersOfBits(bits))).toEqual({ bits });
  });

  it('that have no name are said in parts', () => {
    expect(requestOf({ ...PAPER, headShare: 1.5 })).toEqual({
      apAverage: 2.05,
      apWidths: [2, 4],
      orShares: [1.5, 0.4],
    });
    expect(requestOf({ ...PAPER, parts: 'OR', headColumns: 20 })).toEqual({
      bits: 3,
      orShares: [1.4, 0.4],
      orColumns: 20,
    });
    expect(requestOf({ ...PAPER, parts: 'AP', high: 3 })).toEqual({ apAverage: 2.05, apWidths: [2, 3] });
  });

  it.each([
    { headShare: 0, restShare: 0, headColumns: 10 },
    { headShare: 2, restShare: 0, headColumns: 0 },
    { headShare: 0, restShare: 1, headColumns: 100 },
    { headShare: 0, restShare: 0, headColumns: 0 },
  ])('reserve nothing where a share is of no columns: %o', (shares) => {
    for (const parts of ['OR', 'AP+OR'] as const) {
      const request = requestOf({ ...PAPER, ...shares, parts });
      expect(requestedBudget(request).reservation).toBeUndefined();
    }
  });

  it('reserve nothing where both shares are 0', () => {
    const request = requestOf({ ...PAPER, parts: 'OR', headShare: 0, restShare: 0, headColumns: 20 });
    expect(request).toEqual({ bits: 3 });
    expect(requestedBudget(request).reservation).toBeUndefined();
  });

  it('are named by an average that is none of the paper’s', () => {
    expect(bitsOf({ ...PAPER, parts: 'AP', average: 2.7 })).toBe(2.7);
    expect(bitsOf({ ...PAPER, parts: 'AP', average: 2 })).toBeUndefined();
    expect(bitsOf({ ...PAPER, parts: 'OR', width: 8 })).toBeUndefined();
  });
});

describe('widths', () => {
  it('push each other, and the average stays between them', () => {
    expect(withWidths(PAPER, { low: 4 })).toMatchObject({ low: 4, high: 5, average: 4 });
    expect(withWidths(PAPER, { low: 3 })).toMatchObject({ low: 3, high: 4, average: 3 });
    expect(withWidths({ ...PAPER, average: 3.5 }, { high: 2 })).toMatchObject({
      low: 1,
      high: 2,
      average: 2,
    });
    expect(withWidths(PAPER, { high: 8 })).toMatchObject({ low: 2, high: 8, average: 2.05 });
  });
});

import { describe, expect, it } from 'vitest';
import {
  type BudgetDraft,
  choicesOf,
  draftOf,
  firstDraft,
  moved,
  newOverride,
  sameChoices,
  toggledKind,
} from '../../../renderer/budget/budget-draft.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';

const CHOICES = budgetChoicesSchema.parse({
  budget: { bits: 2.12 },
  overrides: [
    { matrices: ['v'], budget: { bits: 4 } },
    { layers: '0-1,5', budget: { apAverage: 2.5, apWidths: [2, 3] } },
  ],
  outlierS: 5,
  columnOrder: 'outlier',
});

describe('a draft', () => {
  it('makes the choices that it was made of', () => {
    expect(choicesOf(draftOf(CHOICES))).toEqual(CHOICES);
  });

  it('begins with the paper’s setting', () => {
    expect(choicesOf(firstDraft())).toEqual({
      budget: { bits: 2.12 },
      overrides: [],
      outlierS: 13,
      columnOrder: 'benefit',
    });
  });

  it('is the same as one that keeps other numbers for later', () => {
    const draft = draftOf(CHOICES);
    const other: BudgetDraft = { ...draft, numbers: { ...draft.numbers, width: 7 } };
    expect(sameChoices(draft, other)).toBe(true);
    expect(sameChoices(draft, { ...draft, s: 6 })).toBe(false);
  });

  it('is refused where no budget comes of the choices', () => {
    expect(() => draftOf({ ...CHOICES, budget: { orColumns: 20 } })).toThrow('no reservation');
  });
});

describe('overrides', () => {
  it('begin with the first layer at 4 bits', () => {
    const draft = { ...firstDraft(), overrides: [newOverride(firstDraft().numbers)] };
    expect(choicesOf(draft).overrides).toEqual([{ layers: '0', budget: { bits: 4 } }]);
  });

  it('name kinds in the order of computation, and none for all', () => {
    expect(toggledKind(['down'], 'q')).toEqual(['q', 'down']);
    expect(toggledKind(['q', 'down'], 'down')).toEqual(['q']);
    expect(toggledKind(['q', 'k', 'v', 'o', 'gate', 'up'], 'down')).toEqual([]);
  });

  it('are moved no further than the ends', () => {
    expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
    expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'b', 'c']);
  });
});

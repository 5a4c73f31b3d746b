import { describe, expect, it } from 'vitest';
import { budgetOfBits, nominalBits } from '../../shared/budget.ts';
import {
  type ModelBudget,
  budgetForAll,
  budgetsOfKind,
  describeModelBudget,
  matrixBudget,
} from '../../shared/model-budget.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';

/** Layers 0, 1 and 4 at 3 bits; all v at 4; v of layer 1 at 2.5 all the same. */
const BUDGET: ModelBudget = {
  base: budgetOfBits(2.12),
  overrides: [
    {
      layers: [
        { from: 0, to: 1 },
        { from: 4, to: 4 },
      ],
      matrices: undefined,
      budget: budgetOfBits(3),
    },
    { layers: undefined, matrices: ['v'], budget: budgetOfBits(4) },
    { layers: [{ from: 1, to: 1 }], matrices: ['v', 'down'], budget: budgetOfBits(2.5) },
  ],
};

describe('a budget with overrides', () => {
  it('is, for each matrix, the last that matches it', () => {
    const bits = Array.from({ length: 6 }, (_, block) =>
      MATRIX_KINDS.map((kind) => Number(nominalBits(matrixBudget(BUDGET, block, kind)).toFixed(4))),
    );
    expect(bits).toEqual([
      // q, k, v, o, gate, up, down
      [3, 3, 4, 3, 3, 3, 3],
      [3, 3, 2.5, 3, 3, 3, 2.5],
      [2.12, 2.12, 4, 2.12, 2.12, 2.12, 2.12],
      [2.12, 2.12, 4, 2.12, 2.12, 2.12, 2.12],
      [3, 3, 4, 3, 3, 3, 3],
      [2.12, 2.12, 4, 2.12, 2.12, 2.12, 2.12],
    ]);
  });

  it.each([
    ['q', [3, 0, 1, 4], [2.12, 2, 3, 5]],
    ['v', [4, 0, 2, 3, 4, 5], [2.5, 1]],
    ['down', [3, 0, 4], [2.5, 1], [2.12, 2, 3, 5]],
  ] as const)('knows the blocks of each budget: %s', (kind, ...expected) => {
    const found = [...budgetsOfKind(BUDGET, kind, 6)].map(([budget, blocks]) => [
      Number(nominalBits(budget).toFixed(4)),
      ...blocks,
    ]);
    expect(found).toEqual(expected);
  });

  it('has a label that says how many there are', () => {
    expect(describeModelBudget(BUDGET)).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07), 3 overrides');
    expect(describeModelBudget({ ...BUDGET, overrides: BUDGET.overrides.slice(1, 2) })).toBe(
      '2.12 (AP 2.05 of {2,4} + OR 0.07), 1 override',
    );
    expect(describeModelBudget(budgetForAll(BUDGET.base))).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07)');
  });
});

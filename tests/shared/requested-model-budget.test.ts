import { describe, expect, it } from 'vitest';
import { budgetOfBits } from '../../shared/budget.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';

describe('requestedModelBudget', () => {
  it('understands layers and matrices', () => {
    const budget = requestedModelBudget(
      {
        budget: { bits: 2.12 },
        overrides: [
          { layers: '0-3,7,30-31', budget: { bits: 3 } },
          { matrices: ['v', 'o'], budget: { bits: 4 } },
        ],
      },
      32,
    );
    expect(budget).toEqual({
      base: budgetOfBits(2.12),
      overrides: [
        {
          layers: [
            { from: 0, to: 3 },
            { from: 7, to: 7 },
            { from: 30, to: 31 },
          ],
          matrices: undefined,
          budget: budgetOfBits(3),
        },
        { layers: undefined, matrices: ['v', 'o'], budget: budgetOfBits(4) },
      ],
    });
  });

  it.each([
    ['a layer behind the last one', '31-32', '31-32'],
    ['a range the wrong way round', '0,5-4', '5-4'],
  ])('refuses %s', async (_, layers, found) => {
    const overrides = [{ budget: { bits: 3 } }, { layers, budget: { bits: 3 } }];
    expect(await thrownBy(() => requestedModelBudget({ budget: {}, overrides }, 32))).toMatchObject({
      code: 'budget/out-of-range',
      where: 'override 2',
      expected: 'layers from 0 to 31, the lower one first',
      found,
    });
  });

  it('says which override cannot be met', async () => {
    const overrides = [{ budget: { bits: 2.05, apWidths: [3, 4] as [number, number] } }];
    expect(await thrownBy(() => requestedModelBudget({ budget: {}, overrides }, 32))).toMatchObject({
      code: 'budget/cannot-be-met',
      where: 'override 1',
      found: '2.05 bits from widths 3 and 4',
    });
  });
});

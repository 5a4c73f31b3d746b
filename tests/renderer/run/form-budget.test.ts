import { describe, expect, it } from 'vitest';
import { budgetOfForm, emptyForm, withBudget } from '../../../renderer/run/run-form.ts';
import { budgetChoicesSchema } from '../../../shared/requests.ts';

const MADE = budgetChoicesSchema.parse({
  budget: { bits: 2.12 },
  overrides: [{ layers: '0', budget: { bits: 4 } }],
  outlierS: 5,
  columnOrder: 'outlier',
});

describe('the budget of the form', () => {
  it('is taken from the screen of budgets, and goes there', () => {
    const form = { ...emptyForm(), ...withBudget(emptyForm(), MADE) };
    expect(form).toMatchObject({ method: 'claq', outlierS: 5, columnOrder: 'outlier' });
    expect(budgetOfForm(form)).toEqual(MADE);
  });

  it('is what a uniform grid gives way to, unless it can have it', () => {
    const grid = { ...emptyForm(), method: 'gptq' } as const;
    expect(withBudget(grid, MADE).method).toBe('claq');
    expect(withBudget(grid, budgetChoicesSchema.parse({ budget: { bits: 3 } })).method).toBe('gptq');
  });

  it('has the order that the method has', () => {
    expect(budgetOfForm({ ...emptyForm(), method: 'reference' }).columnOrder).toBe('outlier');
    expect(budgetOfForm(emptyForm())).not.toHaveProperty('columnOrder');
  });
});

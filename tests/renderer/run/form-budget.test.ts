import { describe, expect, it } from 'vitest';
import { budgetOfForm, choicesOfForm, emptyForm, withBudget } from '../../../renderer/run/run-form.ts';
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

  it('takes the place of what an allocation was to spend', () => {
    const form = { ...emptyForm(), method: 'claq-plus', bytes: 32_000_000 } as const;
    expect(choicesOfForm(form).plus?.bytes).toBe(32_000_000);
    expect(choicesOfForm({ ...form, techniques: ['residual'] }).plus?.bytes).toBeUndefined();
    expect(choicesOfForm({ ...form, ...withBudget(form, MADE) }).plus?.bytes).toBeUndefined();
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

/** What goes between the form of a new run and the screen on which its budget is made: the form waits, and gets the budget. */
import type { ModelId } from '../../shared/library.ts';
import type { BudgetChoices } from '../../shared/requests.ts';
import { withBudget } from './run-form.ts';
import { type RunFormStart, startForm } from './use-run-form.ts';

const waitingForms = new Map<ModelId, RunFormStart>();
const madeBudgets = new Map<ModelId, BudgetChoices>();

/** Leaves a form as it is until its screen is opened again. */
export function leaveForm(start: RunFormStart): void {
  waitingForms.set(start.model.id, start);
}

export function waitingForm(modelId: ModelId): RunFormStart | undefined {
  return waitingForms.get(modelId);
}

/** The form's screen is not the next one: it begins anew another time. */
export function forgetForm(modelId: ModelId): void {
  waitingForms.delete(modelId);
}

/** A budget for the next form of the model, the one that waits or a new one. */
export function handBudget(modelId: ModelId, choices: BudgetChoices): void {
  madeBudgets.set(modelId, choices);
}

/** The form that waits, or one that begins as startForm says; with the budget that was made for it. */
export async function beginForm(modelId: ModelId, from: unknown): Promise<RunFormStart> {
  const start = waitingForms.get(modelId) ?? (await startForm(modelId, from));
  const budget = madeBudgets.get(modelId);
  waitingForms.delete(modelId);
  madeBudgets.delete(modelId);
  return budget === undefined
    ? start
    : { ...start, form: { ...start.form, ...withBudget(start.form, budget) } };
}

/** Budgets that the user keeps under names. */
import { z } from 'zod';
import { budgetChoicesSchema } from './requests.ts';

export const savedBudgetIdSchema = z.int().positive().brand<'SavedBudgetId'>();
export type SavedBudgetId = z.infer<typeof savedBudgetIdSchema>;

export const savedBudgetDraftSchema = z.strictObject({
  name: z.string().trim().min(1, 'a budget needs a name').max(100),
  choices: budgetChoicesSchema,
});
export type SavedBudgetDraft = z.infer<typeof savedBudgetDraftSchema>;

export const savedBudgetSchema = savedBudgetDraftSchema.extend({
  id: savedBudgetIdSchema,
  /** ISO 8601, UTC. */
  savedAt: z.string(),
});
export type SavedBudget = z.infer<typeof savedBudgetSchema>;

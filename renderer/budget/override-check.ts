/** Whether the layers that were typed are layers of the model. */
import { ClaqError } from '../../shared/errors.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { budgetOverrideSchema } from '../../shared/requests.ts';

/** @returns what is wrong; undefined where they are right, or empty for all */
export function layersMessage(layers: string, blocks: number): string | undefined {
  const text = layers.replaceAll(/\s+/g, '');
  if (text === '') return undefined;
  const parsed = budgetOverrideSchema.safeParse({ layers: text, budget: { bits: 4 } });
  if (!parsed.success) return 'Layers have the form 0-3,7';
  try {
    requestedModelBudget({ budget: {}, overrides: [parsed.data] }, blocks);
    return undefined;
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    return `This model has ${error.expected ?? 'other layers'}`;
  }
}

import type { MethodSettings } from '../../main/engine/claq/quantize-group.ts';
import { budgetOfBits } from '../../shared/budget.ts';
import { budgetForAll } from '../../shared/model-budget.ts';

/** Of runs on small models: adaptive widths and reserved entries. */
export const SETTINGS: MethodSettings = {
  method: 'claq',
  budget: budgetForAll(budgetOfBits(3.12)),
  outlierS: 13,
  columnOrder: 'benefit',
  codebookFit: 'kept',
  groupSize: undefined,
  percdamp: 0.01,
  actOrder: true,
  seed: 0,
};

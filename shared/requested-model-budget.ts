/** From what the user said about bits of the whole model and of some of its matrices to a budget for each matrix. */
import { ClaqError } from './errors.ts';
import type { BudgetOverride, LayerRange, ModelBudget } from './model-budget.ts';
import { requestedBudget } from './requested-budget.ts';
import type { BudgetOverrideRequest, BudgetRequest } from './requests.ts';

/** The part of the choices that says how many bits. */
export interface BudgetRequests {
  readonly budget: BudgetRequest;
  readonly overrides: readonly BudgetOverrideRequest[];
}

/**
 * @param blocks of the model: every layer that is named has to be one of them
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction; one about an override names its number,
 * counted from 1.
 */
export function requestedModelBudget({ budget, overrides }: BudgetRequests, blocks: number): ModelBudget {
  return {
    base: requestedBudget(budget),
    overrides: overrides.map((override, index) => requestedOverride(override, index + 1, blocks)),
  };
}

function requestedOverride(request: BudgetOverrideRequest, number: number, blocks: number): BudgetOverride {
  const where = `override ${number}`;
  const layers = request.layers === undefined ? undefined : layerRanges(request.layers, where, blocks);
  try {
    return { layers, matrices: request.matrices, budget: requestedBudget(request.budget) };
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    const { code, message, expected, found, remedy, cause } = error;
    throw new ClaqError(code, message, {
      where,
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      ...(remedy === undefined ? {} : { remedy }),
      cause,
    });
  }
}

/** `0-3,7` */
function layerRanges(text: string, where: string, blocks: number): LayerRange[] {
  return text.split(',').map((range) => {
    const [first, last] = range.split('-');
    const from = Number(first);
    const to = last === undefined ? from : Number(last);
    if (from <= to && to < blocks) return { from, to };
    throw new ClaqError('budget/out-of-range', 'A budget is for layers that the model does not have', {
      where,
      expected: `layers from 0 to ${blocks - 1}, the lower one first`,
      found: range,
      remedy: 'name layers of this model; they are counted from 0',
    });
  });
}

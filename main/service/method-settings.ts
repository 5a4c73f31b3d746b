/** From a request to the method's settings, every choice decided. */
import { nominalBits } from '../../shared/budget.ts';
import { hitTarget } from '../../shared/hit-size.ts';
import { ClaqError } from '../../shared/errors.ts';
import { hasUniformGrid } from '../../shared/method.ts';
import type { ModelBudget } from '../../shared/model-budget.ts';
import { type ModelDescription, mostColumns, quantizedWeights } from '../../shared/model.ts';
import type { TieRule } from '../../shared/outlier-order.ts';
import {
  type PlusChoices,
  hasTechnique,
  inOrder,
  plusChoicesSchema,
  takesGradients,
} from '../../shared/plus.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import {
  type BudgetRequest,
  DEFAULT_COLUMN_ORDER,
  type QuantizeChoices,
  type QuantizeSettings,
} from '../../shared/requests.ts';
import type { MethodSettings } from '../engine/claq/quantize-group.ts';
import { requireRoom, sharedBudgets } from '../engine/claq/shared-budgets.ts';

/**
 * Throws ClaqError request/invalid, budget/out-of-range, budget/contradiction, and budget/cannot-be-met where an allocation's bytes
 * do not suffice for a bit a weight.
 */
export function methodSettings(settings: QuantizeChoices, model: ModelDescription): MethodSettings {
  const { method, groupSize } = settings;
  const widest = mostColumns(model);
  if (groupSize !== undefined && groupSize > widest) {
    throw new ClaqError('request/invalid', 'The group is larger than any row of the model', {
      where: '--group-size',
      expected: `at most ${widest} columns`,
      found: String(groupSize),
      remedy: 'leave it out for one scale a row',
    });
  }
  const decided = {
    method,
    budget: budgetOf(settings, model),
    outlierS: settings.outlierS,
    columnOrder: settings.columnOrder ?? (method === 'reference' ? 'outlier' : DEFAULT_COLUMN_ORDER),
    codebookFit: settings.codebookFit ?? (method === 'reference' ? 'all' : 'kept'),
    groupSize,
    percdamp: settings.percdamp,
    actOrder: settings.actOrder,
    seed: settings.calibration.seed,
    plus: plusOf(settings),
  };
  if (allocates(decided)) {
    for (const shared of sharedBudgets(model, decided)) requireRoom(shared, budgetOptions(settings.budget));
  }
  return decided;
}

/** Of claq-plus: what is asked for, or all that it has. */
function plusOf({ method, plus }: Pick<QuantizeChoices, 'method' | 'plus'>): PlusChoices | undefined {
  return method === 'claq-plus' ? inOrder(plus ?? plusChoicesSchema.parse({})) : undefined;
}

/** What is not quantized, and its dtype, does not count in stored bits. */
const ANY_DTYPE = 'F16';

/**
 * The settings; where stored bits are asked for, with the average of AP that comes nearest to them from below, and for an allocation
 * with the bytes that they are, to the last one.
 * Throws ClaqError budget/cannot-be-met, and what requestedModelBudget throws.
 */
export function sizedSettings(settings: QuantizeSettings, model: ModelDescription): QuantizeSettings {
  const { storedBits } = settings;
  if (storedBits === undefined) return settings;
  const target = { kind: 'stored-bits', value: storedBits } as const;
  const { method, groupSize, budget, overrides } = settings;
  const plus = plusOf(settings);
  const hit = hitTarget(
    model,
    ANY_DTYPE,
    { budget, overrides, form: { method, groupSize, plus } },
    target,
    'ap',
  );
  const sized = { ...settings, budget: hit.budget };
  if (plus === undefined || !hasTechnique(plus, 'allocation')) return sized;
  return { ...sized, plus: { ...plus, bytes: Math.floor((storedBits * quantizedWeights(model)) / 8) } };
}

/** The budget asked for; an error names the override, or the options that asked for it. */
function budgetOf(settings: QuantizeChoices, { blocks }: ModelDescription): ModelBudget {
  try {
    return requestedModelBudget(settings, blocks);
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    const { code, message, where, expected, found, remedy, cause } = error;
    throw new ClaqError(code, message, {
      where: where ?? budgetOptions(settings.budget),
      ...(expected === undefined ? {} : { expected }),
      ...(found === undefined ? {} : { found }),
      remedy: remedy ?? 'ask for another budget',
      cause,
    });
  }
}

/** `--bits 2 --or 0.07` */
function budgetOptions(request: BudgetRequest): string {
  const options: [string, number | readonly number[] | undefined][] = [
    ['--bits', request.bits],
    ['--ap', request.apAverage],
    ['--ap-widths', request.apWidths],
    ['--or', request.orBits],
    ['--or-shares', request.orShares],
    ['--or-columns', request.orColumns],
  ];
  return options
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${String(value)}`]))
    .join(' ');
}

/** What broke ties in the Outlier Order; null where widths and shares followed something else. */
export function tieRule(settings: MethodSettings): TieRule | null {
  const { method, columnOrder } = settings;
  if (method === 'reference') return 'column-index';
  const ordered = !hasUniformGrid(method) && columnOrder === 'outlier' && !allocates(settings);
  return ordered ? 'hessian-diagonal' : null;
}

/** Whether widths and shares are decided over all columns of the model at once. */
export function allocates({ plus }: Pick<MethodSettings, 'plus'>): boolean {
  return plus !== undefined && hasTechnique(plus, 'allocation');
}

/** Whether something of all matrices is decided before the first block. */
export function plansAhead({ plus }: Pick<MethodSettings, 'plus'>): boolean {
  return plus !== undefined && takesGradients(plus);
}

/** The bits of most matrices as a short label for a folder: 2.12. */
export function bitsLabel({ base }: ModelBudget): string {
  return String(Number(nominalBits(base).toFixed(3)));
}

/** A budget that is being made, as the screen holds it, and as a request, a file and a run have it. */
import { budgetParts } from '../../shared/budget-presets.ts';
import type { ColumnOrder } from '../../shared/method.ts';
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import { DEFAULT_OUTLIER_S } from '../../shared/outlier-order.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { type BudgetChoices, DEFAULT_COLUMN_ORDER } from '../../shared/requests.ts';
import { type BudgetNumbers, numbersOf, numbersOfBits, requestOf } from './budget-numbers.ts';

export interface OverrideDraft {
  /** `0-3,7`; empty for all layers. */
  readonly layers: string;
  /** Empty for all kinds. */
  readonly matrices: readonly MatrixKind[];
  readonly numbers: BudgetNumbers;
}

export interface BudgetDraft {
  readonly numbers: BudgetNumbers;
  /** Of several that match a matrix the last one holds. */
  readonly overrides: readonly OverrideDraft[];
  readonly s: number;
  readonly columnOrder: ColumnOrder;
}

/** Where nothing is said: the setting that the paper is about. */
export const FIRST_BITS = 2.12;

export function firstDraft(): BudgetDraft {
  return {
    numbers: numbersOfBits(FIRST_BITS),
    overrides: [],
    s: DEFAULT_OUTLIER_S,
    columnOrder: DEFAULT_COLUMN_ORDER,
  };
}

/** Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction. */
export function draftOf({ budget, overrides, outlierS, columnOrder }: BudgetChoices): BudgetDraft {
  const numbers = numbersOf(budget);
  return {
    numbers,
    overrides: overrides.map((override) => ({
      layers: override.layers ?? '',
      matrices: override.matrices ?? [],
      numbers: numbersOf(override.budget, numbers),
    })),
    s: outlierS,
    columnOrder: columnOrder ?? DEFAULT_COLUMN_ORDER,
  };
}

export function choicesOf({ numbers, overrides, s, columnOrder }: BudgetDraft): BudgetChoices {
  return {
    budget: requestOf(numbers),
    overrides: overrides.map(({ layers, matrices, numbers: own }) => ({
      ...(layers === '' ? {} : { layers }),
      ...(matrices.length === 0 ? {} : { matrices: [...matrices] }),
      budget: requestOf(own),
    })),
    outlierS: s,
    columnOrder,
  };
}

/** Whether a run decides which columns get what: there is something to choose, and it goes by benefit. */
export function choosesByBenefit(draft: BudgetDraft, blocks: number): boolean {
  if (draft.columnOrder !== 'benefit') return false;
  const { base, overrides } = requestedModelBudget(choicesOf(draft), blocks);
  return [base, ...overrides.map(({ budget }) => budget)].some((each) => budgetParts(each) !== 'single');
}

/** Drafts that ask for the same are the same, whatever they keep of other ways. */
export function sameChoices(a: BudgetDraft, b: BudgetDraft): boolean {
  return a === b || JSON.stringify(choicesOf(a)) === JSON.stringify(choicesOf(b));
}

/** An override to begin with: the model's first layer as wide as can be paid for it. */
export function newOverride(numbers: BudgetNumbers): OverrideDraft {
  return { layers: '0', matrices: [], numbers: numbersOfBits(4, numbers) };
}

/** A chip pressed: in the order of computation; all kinds at once are none named. */
export function toggledKind(kinds: readonly MatrixKind[], kind: MatrixKind): readonly MatrixKind[] {
  const chosen = MATRIX_KINDS.filter((each) => kinds.includes(each) !== (each === kind));
  return chosen.length === MATRIX_KINDS.length ? [] : chosen;
}

/** The list with the item moved by places, as far as there are any. */
export function moved<T>(items: readonly T[], index: number, places: number): readonly T[] {
  const to = Math.max(0, Math.min(items.length - 1, index + places));
  const item = items[index];
  if (item === undefined || to === index) return items;
  const others = items.filter((_, at) => at !== index);
  return [...others.slice(0, to), item, ...others.slice(to)];
}

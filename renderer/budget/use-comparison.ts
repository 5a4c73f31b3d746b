import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import { budgetParts } from '../../shared/budget-presets.ts';
import {
  type MatrixChange,
  type OrderedBudget,
  compareBudgets,
  compareColumns,
  type ColumnChanges,
  decodeOrders,
} from '../../shared/compare-budgets.ts';
import type { ModelCard } from '../../shared/library.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../shared/outlier-levels.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { service } from '../api/service.ts';
import type { ShownError } from '../api/shown-error.ts';
import type { CellAddress } from '../charts/matrix-grid.ts';
import { type BudgetDraft, choicesOf } from './budget-draft.ts';
import { useChangesOf } from '../api/use-changes-of.ts';
import { useSettled } from './use-settled.ts';

export interface Comparison {
  /** Block by block, in a block in the order of MATRIX_KINDS; undefined until it is known. */
  readonly changes: ComputedRef<readonly MatrixChange[] | undefined>;
  readonly columnsOf: (matrix: CellAddress) => ColumnChanges | undefined;
  /** Only the run decides which columns get what: the order by benefit needs its calibration. */
  readonly isUpToRun: ComputedRef<boolean>;
  readonly error: ShallowRef<ShownError | null>;
}

/** Milliseconds that a slider rests before all columns are looked at. */
const REST = 200;

/** Which columns change between two budgets, in all their columns: once both rest. */
export function useComparison(
  { id, description }: ModelCard,
  kept: () => BudgetDraft,
  draft: () => BudgetDraft,
): Comparison {
  const levelOf = ({ s }: BudgetDraft): number => OUTLIER_LEVELS[nearestLevel(s)] ?? s;
  const levels = computed(() => [levelOf(kept()), levelOf(draft())] as const);
  const isUpToRun = computed(() => [kept(), draft()].some(choosesByBenefit));

  const orders = useSettled(
    () => (isUpToRun.value ? undefined : levels.value),
    async ([first, second], signal) => {
      const one = decodeOrders(description, await service.statistics.orders({ id, s: first }, { signal }));
      if (first === second) return [one, one] as const;
      const other = await service.statistics.orders({ id, s: second }, { signal });
      return [one, decodeOrders(description, other)] as const;
    },
    2,
  );
  useChangesOf('statistics', () => orders.renew());

  function choosesByBenefit(of: BudgetDraft): boolean {
    if (of.columnOrder !== 'benefit') return false;
    const { base, overrides } = requestedModelBudget(choicesOf(of), description.blocks);
    return [base, ...overrides.map(({ budget }) => budget)].some((each) => budgetParts(each) !== 'single');
  }

  /** Both budgets with their orders, as they were when they rested. */
  const rested = shallowRef<readonly [OrderedBudget, OrderedBudget]>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function rest(): void {
    const answer = orders.shown.value?.answer;
    if (answer === undefined) return;
    const budgetOf = (of: BudgetDraft): OrderedBudget['budget'] =>
      requestedModelBudget(choicesOf(of), description.blocks);
    rested.value = [
      { budget: budgetOf(kept()), orders: answer[0] },
      { budget: budgetOf(draft()), orders: answer[1] },
    ];
  }
  watch([kept, draft, orders.shown], () => {
    clearTimeout(timer);
    timer = setTimeout(rest, REST);
  });
  onScopeDispose(() => clearTimeout(timer));

  return {
    changes: computed(() =>
      rested.value === undefined || isUpToRun.value
        ? undefined
        : compareBudgets(description, ...rested.value),
    ),
    columnsOf: ({ block, kind }) =>
      rested.value === undefined ? undefined : compareColumns(description, ...rested.value, block, kind),
    isUpToRun,
    error: orders.error,
  };
}

import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import {
  type ColumnChanges,
  type ComparedBudget,
  type ForetoldBudget,
  type MatrixChange,
  compareBudgets,
  compareColumns,
  decodeForetold,
  decodeOrders,
} from '../../shared/compare-budgets.ts';
import type { ForetoldBudgetRequest } from '../../shared/foretold-columns.ts';
import type { ModelCard } from '../../shared/library.ts';
import type { ErrorWeighting } from '../../shared/loss-profile.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../shared/outlier-levels.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { service } from '../api/service.ts';
import type { ShownError } from '../api/shown-error.ts';
import { useChangesOf } from '../api/use-changes-of.ts';
import type { CellAddress } from '../charts/matrix-grid.ts';
import { type BudgetDraft, choicesOf, choosesByBenefit } from './budget-draft.ts';
import { RecentAnswers } from './recent-answers.ts';
import { useSettled } from './use-settled.ts';

export interface Comparison {
  /** Block by block, in a block in the order of MATRIX_KINDS; undefined until it is known. */
  readonly changes: ComputedRef<readonly MatrixChange[] | undefined>;
  readonly columnsOf: (matrix: CellAddress) => ColumnChanges | undefined;
  /** What is in sight is of budgets that were moved since. */
  readonly isStale: ComputedRef<boolean>;
  /** A budget by benefit is foretold from an analysis, and there is none. */
  readonly needsAnalysis: ComputedRef<boolean>;
  /** How what is foretold weighs errors; undefined where nothing is foretold. */
  readonly foretold: ComputedRef<ErrorWeighting | undefined>;
  /** S of the orders that are not of the S that was asked for. */
  readonly nearestS: ComputedRef<readonly number[]>;
  readonly error: ShallowRef<ShownError | null>;
}

/** What the service has to say of a budget before its columns are known. */
type Question =
  { readonly kind: 'order'; readonly s: number } | ({ readonly kind: 'foretell' } & ForetoldBudgetRequest);

type Answer =
  | { readonly kind: 'order'; readonly orders: readonly Int32Array[] }
  | { readonly kind: 'foretell'; readonly weighting: ErrorWeighting; readonly columns: ForetoldBudget }
  | { readonly kind: 'not-analysed' };

/** Answers that are kept: 5 MB each with 7 billion weights. */
const ANSWERS_KEPT = 4;
/** Milliseconds that a slider rests before all columns are looked at. */
const REST = 200;

/** Which columns change between two budgets, in all their columns: once both rest. */
export function useComparison(
  { id, description }: ModelCard,
  kept: () => BudgetDraft,
  draft: () => BudgetDraft,
): Comparison {
  const levelOf = ({ s }: BudgetDraft): number => OUTLIER_LEVELS[nearestLevel(s)] ?? s;

  function questionOf(of: BudgetDraft): Question {
    const { budget, overrides } = choicesOf(of);
    return choosesByBenefit(of, description.blocks)
      ? { kind: 'foretell', budget, overrides }
      : { kind: 'order', s: levelOf(of) };
  }

  /** By question: where one budget moves, nothing new is told of the other. */
  const known = new RecentAnswers<string, Answer>(ANSWERS_KEPT);
  async function answerOf(question: Question, signal: AbortSignal): Promise<Answer> {
    const key = JSON.stringify(question);
    const answer = known.get(key) ?? (await askFor(question, signal));
    // What was asked before the columns were measured anew is not theirs.
    if (!signal.aborted) known.set(key, answer);
    return answer;
  }

  async function askFor(question: Question, signal: AbortSignal): Promise<Answer> {
    if (question.kind === 'order') {
      const orders = await service.statistics.orders({ id, s: question.s }, { signal });
      return { kind: 'order', orders: decodeOrders(description, orders) };
    }
    const { budget, overrides } = question;
    const told = await service.budgets.foretellColumns({ id, budget, overrides }, { signal });
    if (told === null) return { kind: 'not-analysed' };
    return { kind: 'foretell', weighting: told.weighting, columns: decodeForetold(description, told) };
  }

  const questions = computed(() => [questionOf(kept()), questionOf(draft())] as const);
  const answers = useSettled(
    () => questions.value,
    async ([first, second], signal) =>
      [await answerOf(first, signal), await answerOf(second, signal)] as const,
    2,
  );
  useChangesOf('statistics', () => {
    known.clear();
    answers.renew();
  });
  const isAnswered = computed(
    () => JSON.stringify(answers.shown.value?.question) === JSON.stringify(questions.value),
  );

  /** Both budgets as they were when they rested, with what is known of their columns. */
  const rested = shallowRef<{
    readonly of: readonly [BudgetDraft, BudgetDraft];
    readonly budgets: readonly [ComparedBudget, ComparedBudget];
  }>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  function rest(): void {
    const answer = answers.shown.value?.answer;
    if (answer === undefined || !isAnswered.value) return;
    const of = [kept(), draft()] as const;
    const [before, after] = [comparedOf(of[0], answer[0]), comparedOf(of[1], answer[1])];
    rested.value = before === undefined || after === undefined ? undefined : { of, budgets: [before, after] };
  }
  function comparedOf(of: BudgetDraft, answer: Answer): ComparedBudget | undefined {
    if (answer.kind === 'not-analysed') return undefined;
    if (answer.kind === 'foretell') return answer.columns;
    return { budget: requestedModelBudget(choicesOf(of), description.blocks), orders: answer.orders };
  }
  watch([kept, draft, answers.shown], () => {
    clearTimeout(timer);
    timer = setTimeout(rest, REST);
  });
  onScopeDispose(() => clearTimeout(timer));

  return {
    changes: computed(() =>
      rested.value === undefined ? undefined : compareBudgets(description, ...rested.value.budgets),
    ),
    columnsOf: ({ block, kind }) =>
      rested.value === undefined
        ? undefined
        : compareColumns(description, ...rested.value.budgets, block, kind),
    isStale: computed(
      () => rested.value !== undefined && (rested.value.of[0] !== kept() || rested.value.of[1] !== draft()),
    ),
    needsAnalysis: computed(
      () =>
        isAnswered.value &&
        (answers.shown.value?.answer.some(({ kind }) => kind === 'not-analysed') ?? false),
    ),
    foretold: computed(() => {
      const found = answers.shown.value?.answer.find((answer) => answer.kind === 'foretell');
      return found?.kind === 'foretell' ? found.weighting : undefined;
    }),
    nearestS: computed(() => {
      const off = [kept(), draft()].filter(
        (of) => !choosesByBenefit(of, description.blocks) && levelOf(of) !== of.s,
      );
      return [...new Set(off.map(levelOf))];
    }),
    error: answers.error,
  };
}

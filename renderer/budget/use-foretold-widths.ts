import { computed, type ComputedRef } from 'vue';
import type { ModelCard } from '../../shared/library.ts';
import type { ErrorWeighting } from '../../shared/loss-profile.ts';
import { MATRIX_KINDS, matrixShape } from '../../shared/model.ts';
import { service } from '../api/service.ts';
import { useChangesOf } from '../api/use-changes-of.ts';
import type { WidthsOfMatrix } from '../result/width-shares.ts';
import { type BudgetDraft, choicesOf, choosesByBenefit } from './budget-draft.ts';
import { useSettled } from './use-settled.ts';

export interface ForetoldWidths {
  readonly weighting: ErrorWeighting;
  readonly matrices: readonly WidthsOfMatrix[];
  /** The draft was moved since. */
  readonly isStale: boolean;
}

/** What columns get where a run chooses by benefit; undefined without a draft, for other orders, and where the model is not analysed. */
export function useForetoldWidths(
  { id, description }: ModelCard,
  draft: () => BudgetDraft | undefined,
): ComputedRef<ForetoldWidths | undefined> {
  const question = computed(() => {
    const asked = draft();
    if (asked === undefined || !choosesByBenefit(asked, description.blocks)) return undefined;
    const { budget, overrides } = choicesOf(asked);
    return { budget, overrides };
  });
  const told = useSettled(
    () => question.value,
    (asked, signal) => service.budgets.foretell({ id, ...asked }, { signal }),
  );
  useChangesOf('statistics', () => told.renew());
  const shapes = MATRIX_KINDS.map((kind) => ({ kind, ...matrixShape(description, kind) }));
  return computed(() => {
    const shown = told.shown.value;
    if (question.value === undefined || shown === undefined || shown.answer === null) return undefined;
    const { weighting, matrices } = shown.answer;
    return {
      weighting,
      matrices: matrices.flatMap((classes, index) => {
        const shape = shapes[index % shapes.length];
        return shape === undefined ? [] : [{ ...shape, classes }];
      }),
      isStale: JSON.stringify(shown.question) !== JSON.stringify(question.value),
    };
  });
}

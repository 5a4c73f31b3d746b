import { computed, onScopeDispose, shallowRef, type ComputedRef, type ShallowRef } from 'vue';
import type { ModelId } from '../../shared/library.ts';
import { type BudgetDraft, firstDraft, sameChoices } from './budget-draft.ts';
import { type History, historyOf, redone, stepped, undone } from './draft-history.ts';

/** Milliseconds without a move after which a change is a step of its own. */
const SETTLED = 400;

/** Of each model, as long as the window is open: who looks at a run and comes back goes on where they were. */
const kept = new Map<ModelId, History<BudgetDraft>>();

export interface BudgetDraftState {
  /** As it is now, in the midst of a move of a slider too. */
  readonly draft: Readonly<ShallowRef<BudgetDraft>>;
  readonly canUndo: ComputedRef<boolean>;
  readonly canRedo: ComputedRef<boolean>;
  readonly change: (part: Partial<BudgetDraft>) => void;
  /** Another budget altogether: a step at once. */
  readonly replace: (draft: BudgetDraft) => void;
  readonly undo: () => void;
  readonly redo: () => void;
}

export function useBudgetDraft(modelId: ModelId): BudgetDraftState {
  const history = shallowRef(kept.get(modelId) ?? historyOf(firstDraft()));
  const draft = shallowRef(history.value.present);
  let timer: ReturnType<typeof setTimeout> | undefined;

  function keep(next: History<BudgetDraft>): void {
    history.value = next;
    kept.set(modelId, next);
  }

  function settle(): void {
    clearTimeout(timer);
    keep(stepped(history.value, draft.value, sameChoices));
  }

  function replace(next: BudgetDraft): void {
    settle();
    draft.value = next;
    settle();
  }

  function goTo(next: (history: History<BudgetDraft>) => History<BudgetDraft>): void {
    settle();
    keep(next(history.value));
    draft.value = history.value.present;
  }

  onScopeDispose(settle);
  return {
    draft,
    canUndo: computed(
      () => history.value.past.length > 0 || !sameChoices(draft.value, history.value.present),
    ),
    canRedo: computed(
      () => history.value.future.length > 0 && sameChoices(draft.value, history.value.present),
    ),
    change: (part) => {
      draft.value = { ...draft.value, ...part };
      clearTimeout(timer);
      timer = setTimeout(settle, SETTLED);
    },
    replace,
    undo: () => goTo(undone),
    redo: () => goTo(redone),
  };
}

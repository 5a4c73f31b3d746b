import type { SavedBudget, SavedBudgetDraft, SavedBudgetId } from '../../../shared/saved-budgets.ts';
import type { Store } from '../store/store.ts';
import type { Changes } from './changes.ts';

/** Budgets that the user keeps under names, whatever model they are for. */
export class SavedBudgets {
  readonly #store: Store;
  readonly #changes: Changes;

  constructor(store: Store, changes: Changes) {
    this.#store = store;
    this.#changes = changes;
  }

  list(): SavedBudget[] {
    return this.#store.budgets.list();
  }

  save(draft: SavedBudgetDraft): SavedBudget {
    const saved = this.#store.budgets.save(draft, new Date().toISOString());
    this.#changes.announce('budgets');
    return saved;
  }

  remove(id: SavedBudgetId): void {
    this.#store.budgets.remove(id);
    this.#changes.announce('budgets');
  }
}

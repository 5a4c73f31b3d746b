import type { Database } from 'better-sqlite3';
import { budgetChoicesSchema } from '../../../shared/requests.ts';
import {
  type SavedBudget,
  type SavedBudgetDraft,
  type SavedBudgetId,
  savedBudgetSchema,
} from '../../../shared/saved-budgets.ts';
import { json, toJson } from './json-column.ts';
import { Command, Query } from './statements.ts';

const rowSchema = savedBudgetSchema.extend({ choices: json(budgetChoicesSchema) });
const COLUMNS = 'id, name, choices, saved_at AS savedAt';

/** Budgets that the user keeps under names. */
export class BudgetsTable {
  readonly #all: Query<SavedBudget>;
  readonly #save: Query<SavedBudget>;
  readonly #remove: Command;

  constructor(database: Database) {
    this.#all = new Query(
      database,
      'budgets',
      rowSchema,
      `SELECT ${COLUMNS} FROM budgets ORDER BY name COLLATE NOCASE, id`,
    );
    this.#save = new Query(
      database,
      'budgets',
      rowSchema,
      `INSERT INTO budgets (name, choices, saved_at) VALUES (@name, @choices, @savedAt)
      ON CONFLICT (name) DO UPDATE SET choices = excluded.choices, saved_at = excluded.saved_at
      RETURNING ${COLUMNS}`,
    );
    this.#remove = new Command(database, 'budgets', 'DELETE FROM budgets WHERE id = @id');
  }

  /** By name. */
  list(): SavedBudget[] {
    return this.#all.all();
  }

  /** In place of an earlier one of the same name. */
  save({ name, choices }: SavedBudgetDraft, savedAt: string): SavedBudget {
    return this.#save.only({ name, choices: toJson(budgetChoicesSchema, choices), savedAt });
  }

  /** Nothing where it is not there. */
  remove(id: SavedBudgetId): void {
    this.#remove.run({ id });
  }
}

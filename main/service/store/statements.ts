/** Statements that are prepared once. What they read is checked: the file is outside of the program. */
import type { Database, Statement } from 'better-sqlite3';
import type { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { damaged, storeErrors } from './store-errors.ts';

/** By their names in the statement, where each stands with an @ before it. */
export type SqlParameters = Readonly<Record<string, string | number | Uint8Array | null>>;

/** A statement that gives rows. */
export class Query<Row> {
  readonly #statement: Statement;
  readonly #table: string;
  readonly #row: z.ZodType<Row>;

  /**
   * @param table named by errors
   * @param row of one row as the statement gives it
   */
  constructor(database: Database, table: string, row: z.ZodType<Row>, sql: string) {
    this.#statement = database.prepare(sql);
    this.#table = table;
    this.#row = row;
  }

  /** Throws ClaqError store/damaged where a row is not what was written. */
  all(parameters: SqlParameters = {}): Row[] {
    const rows = storeErrors(this.#table, () => this.#statement.all(parameters));
    return rows.map((row) => this.#checked(row));
  }

  /** Throws ClaqError store/damaged where the row is not what was written. */
  first(parameters: SqlParameters = {}): Row | undefined {
    const row = storeErrors(this.#table, () => this.#statement.get(parameters));
    return row === undefined ? undefined : this.#checked(row);
  }

  /** Of a statement that always gives a row. */
  only(parameters: SqlParameters = {}): Row {
    const row = this.first(parameters);
    if (row === undefined) throw new Error(`${this.#table}: no row`);
    return row;
  }

  #checked(row: unknown): Row {
    const checked = this.#row.safeParse(row);
    if (checked.success) return checked.data;
    const [issue] = checked.error.issues;
    const column = issue?.path.map(String).join('.') ?? '';
    throw damaged(nameOfRow(this.#table, row), 'An entry of the library is damaged', {
      found: `${column}: ${issue?.message ?? 'not what was written'}`,
      cause: checked.error,
    });
  }
}

/** "runs 12" */
function nameOfRow(table: string, row: unknown): string {
  const id = typeof row === 'object' && row !== null && 'id' in row ? row.id : undefined;
  return typeof id === 'number' ? `${table} ${id}` : table;
}

/** A statement that changes rows. */
export class Command {
  readonly #statement: Statement;
  readonly #table: string;

  /** @param table named by errors */
  constructor(database: Database, table: string, sql: string) {
    this.#statement = database.prepare(sql);
    this.#table = table;
  }

  /** @returns how many rows are others now */
  run(parameters: SqlParameters = {}): number {
    return storeErrors(this.#table, () => this.#statement.run(parameters)).changes;
  }

  /** Of one entry, by its @id. Throws ClaqError library/not-found where it is not there. */
  runOn(id: number, parameters: SqlParameters = {}): void {
    if (this.run({ ...parameters, id }) > 0) return;
    throw new ClaqError('library/not-found', 'The library has no such entry', {
      where: `${this.#table} ${id}`,
      remedy: 'it may have been removed in another window: look at the list again',
    });
  }
}

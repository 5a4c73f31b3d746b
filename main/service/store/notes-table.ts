import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { type RunId, type RunNote, runNoteSchema } from '../../../shared/runs.ts';
import { Command, Query } from './statements.ts';

/** The row's own number, which only errors name, is left out. */
const rowSchema = z.object(runNoteSchema.shape);

/** What a run said, line by line. */
export class NotesTable {
  readonly #ofRun: Query<RunNote>;
  readonly #add: Command;

  constructor(database: Database) {
    this.#ofRun = new Query(
      database,
      'run_notes',
      rowSchema,
      'SELECT id, at, line FROM run_notes WHERE run_id = @runId ORDER BY id',
    );
    this.#add = new Command(
      database,
      'run_notes',
      'INSERT INTO run_notes (run_id, at, line) VALUES (@runId, @at, @line)',
    );
  }

  /** In the order that they were added. */
  list(runId: RunId): RunNote[] {
    return this.#ofRun.all({ runId });
  }

  /** Throws ClaqError library/not-found where there is no such run. */
  add(runId: RunId, { at, line }: RunNote): void {
    this.#add.run({ runId, at, line });
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import {
  type ExportCard,
  type ExportId,
  type RunId,
  exportCardSchema,
  exportIdSchema,
} from '../../../shared/runs.ts';
import { Command, Query } from './statements.ts';

const SELECT = `
SELECT id, run_id AS runId, format, dtype, folder, files, bytes, seconds, created_at AS createdAt
FROM exports`;

/** Models that were made of runs, for other programs. */
export class ExportsTable {
  readonly #ofRun: Query<ExportCard>;
  readonly #one: Query<ExportCard>;
  readonly #insert: Query<{ id: ExportId }>;
  readonly #remove: Command;

  constructor(database: Database) {
    this.#ofRun = new Query(
      database,
      'exports',
      exportCardSchema,
      `${SELECT} WHERE run_id = @runId ORDER BY id DESC`,
    );
    this.#one = new Query(database, 'exports', exportCardSchema, `${SELECT} WHERE id = @id`);
    this.#insert = new Query(
      database,
      'exports',
      z.strictObject({ id: exportIdSchema }),
      `INSERT INTO exports (run_id, format, dtype, folder, files, bytes, seconds, created_at)
      VALUES (@runId, @format, @dtype, @folder, @files, @bytes, @seconds, @createdAt)
      RETURNING id`,
    );
    this.#remove = new Command(database, 'exports', 'DELETE FROM exports WHERE id = @id');
  }

  /** Latest first. */
  list(runId: RunId): ExportCard[] {
    return this.#ofRun.all({ runId });
  }

  get(id: ExportId): ExportCard | undefined {
    return this.#one.first({ id });
  }

  /** Throws ClaqError library/not-found where there is no such run. */
  insert(made: Omit<ExportCard, 'id'>): ExportId {
    return this.#insert.only({ ...made }).id;
  }

  /** Nothing where it is not there. */
  remove(id: ExportId): void {
    this.#remove.run({ id });
  }
}

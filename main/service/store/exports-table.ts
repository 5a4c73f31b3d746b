import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { exportCheckSchema, exportTargetSchema } from '../../../shared/exports.ts';
import {
  type ExportCard,
  type ExportId,
  type ExportSource,
  exportCardSchema,
  exportIdSchema,
} from '../../../shared/runs.ts';
import { json, toJson } from './json-column.ts';
import { Command, Query } from './statements.ts';

const SELECT = `
SELECT id, run_id AS runId, model_id AS modelId, target, folder, files, bytes, seconds, verified AS "check",
  created_at AS createdAt
FROM exports`;

const rowSchema = exportCardSchema.extend({
  target: json(exportTargetSchema),
  check: json(exportCheckSchema).nullable(),
});

/** Models that were made of runs and of packed models, for other programs. */
export class ExportsTable {
  readonly #ofRun: Query<ExportCard>;
  readonly #ofModel: Query<ExportCard>;
  readonly #one: Query<ExportCard>;
  readonly #insert: Query<{ id: ExportId }>;
  readonly #remove: Command;

  constructor(database: Database) {
    const listed = (condition: string): Query<ExportCard> =>
      new Query(database, 'exports', rowSchema, `${SELECT} WHERE ${condition} ORDER BY id DESC`);
    this.#ofRun = listed('run_id = @runId');
    this.#ofModel = listed('model_id = @modelId');
    this.#one = new Query(database, 'exports', rowSchema, `${SELECT} WHERE id = @id`);
    this.#insert = new Query(
      database,
      'exports',
      z.strictObject({ id: exportIdSchema }),
      `INSERT INTO exports (run_id, model_id, target, folder, files, bytes, seconds, verified, created_at)
      VALUES (@runId, @modelId, @target, @folder, @files, @bytes, @seconds, @check, @createdAt)
      RETURNING id`,
    );
    this.#remove = new Command(database, 'exports', 'DELETE FROM exports WHERE id = @id');
  }

  /** Latest first. */
  list(of: ExportSource): ExportCard[] {
    return 'runId' in of ? this.#ofRun.all(of) : this.#ofModel.all(of);
  }

  get(id: ExportId): ExportCard | undefined {
    return this.#one.first({ id });
  }

  /** Throws ClaqError library/not-found where there is no such run or model. */
  insert(made: Omit<ExportCard, 'id'>): ExportId {
    const target = toJson(exportTargetSchema, made.target);
    const check = made.check === null ? null : toJson(exportCheckSchema, made.check);
    return this.#insert.only({ ...made, target, check }).id;
  }

  /** Nothing where it is not there. */
  remove(id: ExportId): void {
    this.#remove.run({ id });
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { type MatrixResult, matrixResultSchema } from '../../../shared/run-record.ts';
import type { RunId } from '../../../shared/runs.ts';
import { classesBlob, classesToBlob } from './matrix-classes.ts';
import { ORDER_OF_COMPUTATION } from './order-of-computation.ts';
import { Command, Query } from './statements.ts';

/** The row's own number, which only errors name, is left out. */
const rowSchema = z.object(matrixResultSchema.shape).extend({ classes: classesBlob });

/** What became of each matrix of a run. */
export class MatricesTable {
  readonly #ofRun: Query<MatrixResult>;
  readonly #save: Command;

  constructor(database: Database) {
    this.#ofRun = new Query(
      database,
      'matrices',
      rowSchema,
      `SELECT id, block, kind, rows, columns, bytes, loss, outlier_ratio AS outlierRatio, damping, classes
      FROM matrices WHERE run_id = @runId ORDER BY ${ORDER_OF_COMPUTATION}`,
    );
    this.#save = new Command(
      database,
      'matrices',
      `INSERT INTO matrices (run_id, block, kind, rows, columns, bytes, loss, outlier_ratio, damping, classes)
      VALUES (@runId, @block, @kind, @rows, @columns, @bytes, @loss, @outlierRatio, @damping, @classes)
      ON CONFLICT (run_id, block, kind) DO UPDATE SET rows = excluded.rows, columns = excluded.columns,
        bytes = excluded.bytes, loss = excluded.loss, outlier_ratio = excluded.outlier_ratio, damping = excluded.damping,
        classes = excluded.classes`,
    );
  }

  /** In the order of computation. */
  list(runId: RunId): MatrixResult[] {
    return this.#ofRun.all({ runId });
  }

  /** In place of an earlier result of the same matrix. Throws ClaqError library/not-found where there is no such run. */
  save(runId: RunId, result: MatrixResult): void {
    // An infinite loss could be written, but not read again.
    const { classes, ...columns } = matrixResultSchema.parse(result);
    this.#save.run({ runId, ...columns, classes: classesToBlob(classes) });
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { GroupCalibration } from '../../../shared/calibration.ts';
import type { ModelId } from '../../../shared/library.ts';
import { MATRIX_KINDS, type MatrixKind } from '../../../shared/model.ts';
import type { RunId } from '../../../shared/runs.ts';
import { float32Blob, toBlob } from './number-blobs.ts';
import { Command, Query } from './statements.ts';

const calibrationIdSchema = z.int().brand<'CalibrationId'>();
export type CalibrationId = z.infer<typeof calibrationIdSchema>;
const idSchema = z.object({ id: calibrationIdSchema });

/** Whose calibration it is. */
export interface CalibratingRun {
  readonly modelId: ModelId;
  /** What the weights' files are, as with the column statistics. */
  readonly filesKey: string;
  readonly runId: RunId;
  /** Groups of matrices of the whole model. */
  readonly groups: number;
}

const groupSchema = z
  .object({
    block: z.int().min(0),
    kind: z.enum(MATRIX_KINDS),
    diagonal: float32Blob,
    sensitivity: float32Blob,
  })
  .superRefine(({ diagonal, sensitivity }, context) => {
    if (sensitivity.length === diagonal.length) return;
    const message = `${sensitivity.length} values instead of ${diagonal.length}`;
    context.addIssue({ code: 'custom', path: ['sensitivity'], message });
  });

/** What the latest run that has calibrated a whole model saw of its inputs; of other runs only until then. */
export class CalibrationsTable {
  readonly #latest: Query<{ id: CalibrationId }>;
  readonly #group: Query<GroupCalibration>;
  readonly #ofRun: Query<{ id: CalibrationId }>;
  readonly #begin: Query<{ id: CalibrationId }>;
  readonly #forgetAbandoned: Command;
  readonly #forgetOthers: Command;
  readonly #saveGroup: Command;
  readonly #complete: Command;
  readonly #keepOnly: Command;
  readonly #transaction: (run: CalibratingRun, group: GroupCalibration) => boolean;

  constructor(database: Database) {
    const query = <Row>(row: z.ZodType<Row>, sql: string): Query<Row> =>
      new Query(database, 'calibrations', row, sql);
    const command = (sql: string): Command => new Command(database, 'calibrations', sql);
    this.#latest = query(
      idSchema,
      `SELECT id FROM calibrations WHERE model_id = @modelId AND files_key = @filesKey AND complete
      ORDER BY id DESC LIMIT 1`,
    );
    this.#group = new Query(
      database,
      'calibrated_groups',
      groupSchema,
      `SELECT id, block, kind, diagonal, sensitivity FROM calibrated_groups
      WHERE calibration_id = @id AND block = @block AND kind = @kind`,
    );
    this.#ofRun = query(
      idSchema,
      'SELECT id FROM calibrations WHERE run_id = @runId AND files_key = @filesKey',
    );
    this.#begin = query(
      idSchema,
      `INSERT OR REPLACE INTO calibrations (model_id, files_key, run_id, at, complete)
      VALUES (@modelId, @filesKey, @runId, @at, 0) RETURNING id`,
    );
    this.#forgetAbandoned = command(
      'DELETE FROM calibrations WHERE model_id = @modelId AND run_id IS NULL AND NOT complete',
    );
    this.#forgetOthers = command(
      'DELETE FROM calibrations WHERE model_id = @modelId AND files_key <> @filesKey',
    );
    this.#saveGroup = new Command(
      database,
      'calibrated_groups',
      `INSERT OR REPLACE INTO calibrated_groups (calibration_id, block, kind, diagonal, sensitivity)
      VALUES (@id, @block, @kind, @diagonal, @sensitivity)`,
    );
    this.#complete = command(
      `UPDATE calibrations SET complete = 1 WHERE id = @id AND NOT complete
        AND (SELECT count(*) FROM calibrated_groups WHERE calibration_id = @id) = @groups`,
    );
    this.#keepOnly = command('DELETE FROM calibrations WHERE model_id = @modelId AND id <> @id');
    this.#transaction = database.transaction((run: CalibratingRun, group: GroupCalibration) =>
      this.#save(run, group),
    );
  }

  /** Undefined where no run has calibrated all of the model with these files. */
  latest(modelId: ModelId, filesKey: string): CalibrationId | undefined {
    return this.#latest.first({ modelId, filesKey })?.id;
  }

  /** @param kind the first matrix of the group */
  group(id: CalibrationId, block: number, kind: MatrixKind): GroupCalibration | undefined {
    return this.#group.first({ id, block, kind });
  }

  /**
   * Adds a group to the run's calibration. With the last one it is complete, and takes the place of all earlier ones.
   *
   * @returns whether it is complete since now
   * @throws ClaqError library/not-found where there is no such model or run
   */
  save(run: CalibratingRun, group: GroupCalibration): boolean {
    return this.#transaction(run, group);
  }

  /** Of files that the model's folder had before. */
  forgetOthers(modelId: ModelId, filesKey: string): void {
    this.#forgetOthers.run({ modelId, filesKey });
  }

  #save({ modelId, filesKey, runId, groups }: CalibratingRun, group: GroupCalibration): boolean {
    const known = this.#ofRun.first({ runId, filesKey })?.id;
    if (known === undefined) this.#forgetAbandoned.run({ modelId });
    const id = known ?? this.#begin.only({ modelId, filesKey, runId, at: new Date().toISOString() }).id;
    const { block, kind, diagonal, sensitivity } = group;
    this.#saveGroup.run({
      id,
      block,
      kind,
      diagonal: toBlob(diagonal),
      sensitivity: toBlob(sensitivity),
    });
    if (this.#complete.run({ id, groups }) === 0) return false;
    this.#keepOnly.run({ modelId, id });
    return true;
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { type PlainError, plainErrorSchema } from '../../../shared/errors.ts';
import type { ModelId } from '../../../shared/library.ts';
import { quantizeChoicesSchema } from '../../../shared/requests.ts';
import { type MatrixResult, type RunFigures, runFiguresSchema } from '../../../shared/run-record.ts';
import {
  type RunCard,
  type RunDetail,
  type RunId,
  type RunNote,
  type RunState,
  runCardSchema,
  runIdSchema,
} from '../../../shared/runs.ts';
import type { ExportsTable } from './exports-table.ts';
import { json, toJson } from './json-column.ts';
import { MatricesTable } from './matrices-table.ts';
import { NotesTable } from './notes-table.ts';
import { LAST_PLACE, RUNS_AHEAD, RunQueueOrder } from './run-queue-order.ts';
import { Command, Query } from './statements.ts';

export type NewRun = Pick<
  RunDetail,
  'modelId' | 'folder' | 'choices' | 'method' | 'budget' | 'blocks' | 'matricesTotal' | 'queuedAt'
>;

/** States that a run is simply put into: `enqueue` makes it wait, and `complete` needs what it came to. */
export type SettableState = Exclude<RunState, 'queued' | 'complete'>;

/** What is left out stays as it is, but for the error: it belongs to the state that it is given with. */
export interface RunChange {
  readonly startedAt?: string | undefined;
  readonly endedAt?: string | undefined;
  readonly error?: PlainError | undefined;
  readonly engine?: string | undefined;
}

const cardSchema = runCardSchema.extend({
  figures: json(runFiguresSchema).nullable(),
  error: json(plainErrorSchema).nullable(),
});
const detailSchema = cardSchema.extend({
  choices: json(quantizeChoicesSchema),
  blocks: z.int(),
  engine: z.string().nullable(),
});
type StoredRun = z.infer<typeof detailSchema>;
const idSchema = z.strictObject({ id: runIdSchema });

/** A complete run has all its matrices: only the others' are counted, which takes most of a long list's time. */
const MATRICES_DONE = `
CASE state WHEN 'complete' THEN matrices_total ELSE (SELECT count(*) FROM matrices WHERE run_id = runs.id) END`;

const CARD = `runs.id, model_id AS modelId, models.name AS modelName, runs.folder, state, method, budget,
  queued_at AS queuedAt, started_at AS startedAt, ended_at AS endedAt, ${RUNS_AHEAD} AS ahead,
  ${MATRICES_DONE} AS matricesDone, matrices_total AS matricesTotal, figures, error`;
const FROM = 'FROM runs JOIN models ON models.id = model_id';

/** The runs of the library, with their matrices and notes. */
export class RunsTable {
  readonly #matrices: MatricesTable;
  readonly #notes: NotesTable;
  readonly #exports: ExportsTable;
  readonly #queue: RunQueueOrder;
  readonly #all: Query<RunCard>;
  readonly #ofModel: Query<RunCard>;
  readonly #one: Query<StoredRun>;
  readonly #insert: Query<{ id: RunId }>;
  readonly #setState: Command;
  readonly #enqueue: Command;
  readonly #complete: Command;
  readonly #interrupt: Query<{ id: RunId }>;
  readonly #remove: Command;
  readonly #saveMatrices: (id: RunId, results: readonly MatrixResult[]) => void;

  constructor(database: Database, exports: ExportsTable) {
    this.#matrices = new MatricesTable(database);
    this.#notes = new NotesTable(database);
    this.#exports = exports;
    this.#queue = new RunQueueOrder(database);
    const command = (sql: string): Command => new Command(database, 'runs', sql);
    this.#all = new Query(database, 'runs', cardSchema, `SELECT ${CARD} ${FROM} ORDER BY runs.id DESC`);
    this.#ofModel = new Query(
      database,
      'runs',
      cardSchema,
      `SELECT ${CARD} ${FROM} WHERE model_id = @modelId ORDER BY runs.id DESC`,
    );
    this.#one = new Query(
      database,
      'runs',
      detailSchema,
      `SELECT ${CARD}, choices, blocks, engine ${FROM} WHERE runs.id = @id`,
    );
    this.#insert = new Query(
      database,
      'runs',
      idSchema,
      `INSERT INTO runs (model_id, folder, state, queue_place, method, budget, choices, blocks, matrices_total, queued_at)
      VALUES (@modelId, @folder, 'queued', ${LAST_PLACE}, @method, @budget, @choices, @blocks, @matricesTotal, @queuedAt)
      RETURNING id`,
    );
    this.#setState = command(
      `UPDATE runs SET state = @state, queue_place = NULL, started_at = coalesce(@startedAt, started_at),
        ended_at = coalesce(@endedAt, ended_at), error = @error, engine = coalesce(@engine, engine)
      WHERE id = @id`,
    );
    this.#enqueue = command(
      `UPDATE runs SET state = 'queued', queue_place = ${LAST_PLACE}, ended_at = NULL, error = NULL WHERE id = @id`,
    );
    this.#complete = command(
      `UPDATE runs SET state = 'complete', queue_place = NULL, figures = @figures, ended_at = @endedAt, error = NULL
      WHERE id = @id`,
    );
    this.#interrupt = new Query(
      database,
      'runs',
      idSchema,
      `UPDATE runs SET ended_at = @at,
        state = CASE state WHEN 'pausing' THEN 'paused' WHEN 'cancelling' THEN 'cancelled' ELSE 'interrupted' END
      WHERE state IN ('running', 'pausing', 'cancelling')
      RETURNING id`,
    );
    this.#remove = command('DELETE FROM runs WHERE id = @id');
    this.#saveMatrices = database.transaction((id: RunId, results: readonly MatrixResult[]) => {
      for (const result of results) this.#matrices.save(id, result);
    });
  }

  /** Latest first; of one model, or of all. */
  list(modelId?: ModelId): RunCard[] {
    return modelId === undefined ? this.#all.all() : this.#ofModel.all({ modelId });
  }

  get(id: RunId): RunDetail | undefined {
    const run = this.#one.first({ id });
    if (run === undefined) return undefined;
    return {
      ...run,
      matrices: this.#matrices.list(id),
      notes: this.#notes.list(id),
      exports: this.#exports.list({ runId: id }),
    };
  }

  /** At the end of the queue. Throws ClaqError library/not-found where there is no such model. */
  insert({ choices, ...columns }: NewRun): RunId {
    return this.#insert.only({ ...columns, choices: toJson(quantizeChoicesSchema, choices) }).id;
  }

  /** A run that waited leaves the queue. Throws ClaqError library/not-found. */
  setState(id: RunId, state: SettableState, { startedAt, endedAt, error, engine }: RunChange = {}): void {
    this.#setState.runOn(id, {
      state,
      startedAt: startedAt ?? null,
      endedAt: endedAt ?? null,
      error: error === undefined ? null : toJson(plainErrorSchema, error),
      engine: engine ?? null,
    });
  }

  /** Puts a run that has stopped at the end of the queue, and forgets how it ended. Throws ClaqError library/not-found. */
  enqueue(id: RunId): void {
    this.#enqueue.runOn(id);
  }

  /** The run whose turn is next. */
  nextQueued(): RunId | undefined {
    return this.#queue.first();
  }

  /** By places in the queue: -1 is one nearer to its turn. A run that does not wait stays as it is. */
  move(id: RunId, places: number): void {
    this.#queue.move(id, places);
  }

  /** In place of earlier results of the same matrices; all or none. Throws ClaqError library/not-found. */
  saveMatrices(id: RunId, results: readonly MatrixResult[]): void {
    this.#saveMatrices(id, results);
  }

  /** Throws ClaqError library/not-found. */
  addNote(id: RunId, note: RunNote): void {
    this.#notes.add(id, note);
  }

  /** Throws ClaqError library/not-found. */
  complete(id: RunId, figures: RunFigures, endedAt: string): void {
    this.#complete.runOn(id, { figures: toJson(runFiguresSchema, figures), endedAt });
  }

  /**
   * Of a process that has ended: runs that it was at can be gone on with, those that it was stopping have stopped.
   *
   * @returns those runs
   */
  interruptActive(at: string): RunId[] {
    const ids = this.#interrupt.all({ at }).map(({ id }) => id);
    return ids.toSorted((a, b) => a - b);
  }

  /** With its results, notes and exports. Nothing where it is not there. */
  remove(id: RunId): void {
    this.#remove.run({ id });
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { type RunId, runIdSchema } from '../../../shared/runs.ts';
import { Command, Query } from './statements.ts';

/** A place behind all runs that wait. */
export const LAST_PLACE = '(SELECT coalesce(max(queue_place), 0) + 1 FROM runs)';

/** How many runs that wait are before one; null where it does not wait. */
export const RUNS_AHEAD = `
CASE WHEN runs.queue_place IS NOT NULL THEN
  (SELECT count(*) FROM runs AS others WHERE others.queue_place < runs.queue_place)
END`;

/** The order of the runs that wait. */
export class RunQueueOrder {
  readonly #waiting: Query<{ id: RunId }>;
  readonly #place: Command;
  readonly #move: (id: RunId, places: number) => void;

  constructor(database: Database) {
    this.#waiting = new Query(
      database,
      'runs',
      z.strictObject({ id: runIdSchema }),
      'SELECT id FROM runs WHERE queue_place IS NOT NULL ORDER BY queue_place',
    );
    this.#place = new Command(database, 'runs', 'UPDATE runs SET queue_place = @place WHERE id = @id');
    this.#move = database.transaction((id: RunId, places: number) => {
      const order = this.#waiting.all().map((run) => run.id);
      const from = order.indexOf(id);
      if (from < 0) return;
      order.splice(from, 1);
      order.splice(Math.max(0, from + places), 0, id);
      for (const [index, run] of order.entries()) this.#place.run({ id: run, place: index + 1 });
    });
  }

  first(): RunId | undefined {
    return this.#waiting.first()?.id;
  }

  /** By places towards the end, or towards its turn where they are negative. A run that does not wait stays as it is. */
  move(id: RunId, places: number): void {
    this.#move(id, places);
  }
}

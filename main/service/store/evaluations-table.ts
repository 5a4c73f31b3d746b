import type { Database } from 'better-sqlite3';
import type { ModelId } from '../../../shared/library.ts';
import { type PerplexityFigure, perplexityFigureSchema } from '../../../shared/run-record.ts';
import { toJson } from './json-column.ts';
import { Command } from './statements.ts';

/** Perplexities of models as they are, measured for their own sake; the latest of each is kept. */
export class EvaluationsTable {
  readonly #save: Command;

  constructor(database: Database) {
    this.#save = new Command(
      database,
      'evaluations',
      `INSERT INTO evaluations (model_id, figure, measured_at) VALUES (@modelId, @figure, @measuredAt)
      ON CONFLICT (model_id) DO UPDATE SET figure = excluded.figure, measured_at = excluded.measured_at`,
    );
  }

  /** Throws ClaqError library/not-found where there is no such model. */
  save(modelId: ModelId, figure: PerplexityFigure, measuredAt: string): void {
    this.#save.run({ modelId, figure: toJson(perplexityFigureSchema, figure), measuredAt });
  }
}

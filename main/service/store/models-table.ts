import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import {
  type ModelCard,
  type ModelId,
  modelCardSchema,
  modelIdSchema,
  modelSourceSchema,
  quantizedSourceSchema,
} from '../../../shared/library.ts';
import { modelDescriptionSchema } from '../../../shared/model.ts';
import { perplexityFigureSchema } from '../../../shared/run-record.ts';
import { json, toJson } from './json-column.ts';
import { Command, Query } from './statements.ts';

/** A model as the library knows it, without a look at its folder. */
export type StoredModel = Omit<ModelCard, 'missing'>;
export type NewModel = Omit<StoredModel, 'id' | 'runs' | 'baseline'>;

/** JSON leaves out what is undefined. */
const descriptionSchema = modelDescriptionSchema
  .unwrap()
  .extend({ slidingWindow: z.number().optional() })
  .transform((description) => ({ ...description, slidingWindow: description.slidingWindow }));

const rowSchema = modelCardSchema
  .omit({ missing: true, runs: true })
  .extend({
    source: json(modelSourceSchema),
    quantized: json(quantizedSourceSchema).nullable(),
    description: json(descriptionSchema),
    complete: z.int(),
    open: z.int(),
    baseline: json(perplexityFigureSchema).nullable(),
  })
  .transform(({ complete, open, ...model }): StoredModel => ({ ...model, runs: { complete, open } }));

/** Whatever is not complete waits, runs, or can be gone on with. The baseline is the one that was measured last. */
const SELECT = `
SELECT id, name, folder, source, added_at AS addedAt, description, parameters, quantized_weights AS quantizedWeights,
  bytes, dtype, quantized,
  (SELECT count(*) FROM runs WHERE model_id = models.id AND state = 'complete') AS complete,
  (SELECT count(*) FROM runs WHERE model_id = models.id AND state <> 'complete') AS open,
  (SELECT figure FROM (
    SELECT json_extract(figures, '$.before') AS figure, ended_at AS measured_at, id AS run_id FROM runs
      WHERE model_id = models.id AND state = 'complete' AND json_extract(figures, '$.before') IS NOT NULL
    UNION ALL SELECT figure, measured_at, 0 FROM evaluations WHERE model_id = models.id)
    ORDER BY measured_at DESC, run_id DESC LIMIT 1) AS baseline
FROM models`;

/** The models of the library. */
export class ModelsTable {
  readonly #all: Query<StoredModel>;
  readonly #one: Query<StoredModel>;
  readonly #ofFolder: Query<StoredModel>;
  readonly #insert: Query<{ id: ModelId }>;
  readonly #remove: Command;

  constructor(database: Database) {
    const select = (rest: string): Query<StoredModel> =>
      new Query(database, 'models', rowSchema, `${SELECT} ${rest}`);
    this.#all = select('ORDER BY name COLLATE NOCASE, id');
    this.#one = select('WHERE id = @id');
    this.#ofFolder = select('WHERE folder = @folder');
    this.#insert = new Query(
      database,
      'models',
      z.strictObject({ id: modelIdSchema }),
      `INSERT INTO models (name, folder, source, added_at, description, parameters, quantized_weights, bytes, dtype,
        quantized)
      VALUES (@name, @folder, @source, @addedAt, @description, @parameters, @quantizedWeights, @bytes, @dtype,
        @quantized)
      ON CONFLICT (folder) DO UPDATE SET folder = excluded.folder
      RETURNING id`,
    );
    this.#remove = new Command(database, 'models', 'DELETE FROM models WHERE id = @id');
  }

  /** By name. */
  list(): StoredModel[] {
    return this.#all.all();
  }

  get(id: ModelId): StoredModel | undefined {
    return this.#one.first({ id });
  }

  /** @param folder absolute path */
  byFolder(folder: string): StoredModel | undefined {
    return this.#ofFolder.first({ folder });
  }

  /** A folder that is in the library already gives the model that it has there, unchanged. */
  insert({ source, description, quantized, ...columns }: NewModel): ModelId {
    return this.#insert.only({
      ...columns,
      source: toJson(modelSourceSchema, source),
      quantized: quantized === null ? null : toJson(quantizedSourceSchema, quantized),
      description: toJson(descriptionSchema, description),
    }).id;
  }

  /** With its runs, their results and exports, and what was measured of its columns. Nothing where it is not there. */
  remove(id: ModelId): void {
    this.#remove.run({ id });
  }
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { ModelId } from '../../../shared/library.ts';
import { type ModelSensitivity, modelSensitivitySchema } from '../../../shared/sensitivity.ts';
import { json, toJson } from './json-column.ts';
import { Command, Query } from './statements.ts';

/** Of this program. Raised where a model's figures of before would not be the same any more: what they are of, and of how much text. */
const WAY = 1;
const TABLE = 'sensitivities';

const rowSchema = z.object({ figures: json(modelSensitivitySchema) });

/** Sensitivities of models' matrices; the latest of each model is kept. `filesKey` as with the column statistics. */
export class SensitivitiesTable {
  readonly #one: Query<z.infer<typeof rowSchema>>;
  readonly #save: Command;

  constructor(database: Database) {
    this.#one = new Query(
      database,
      TABLE,
      rowSchema,
      `SELECT model_id AS id, figures FROM ${TABLE} WHERE model_id = @modelId AND files_key = @filesKey AND way = @way`,
    );
    this.#save = new Command(
      database,
      TABLE,
      `INSERT OR REPLACE INTO ${TABLE} (model_id, files_key, way, figures)
      VALUES (@modelId, @filesKey, @way, @figures)`,
    );
  }

  /** Undefined where none were measured of these files, or in another way than this program's. */
  read(modelId: ModelId, filesKey: string): ModelSensitivity | undefined {
    return this.#one.first({ modelId, filesKey, way: WAY })?.figures;
  }

  /** In place of earlier ones. Throws ClaqError library/not-found where there is no such model. */
  save(modelId: ModelId, filesKey: string, figures: ModelSensitivity): void {
    this.#save.run({ modelId, filesKey, way: WAY, figures: toJson(modelSensitivitySchema, figures) });
  }
}

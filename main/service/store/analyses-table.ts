import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import { ANALYSED_ERRORS } from '../../../shared/analysed-errors.ts';
import type { ModelId } from '../../../shared/library.ts';
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../../../shared/loss-profile.ts';
import { MATRIX_KINDS, type MatrixKind } from '../../../shared/model.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { float16Blob, toBlob } from './number-blobs.ts';
import { ORDER_OF_COMPUTATION } from './order-of-computation.ts';
import { Command, Query } from './statements.ts';

/** What quantizing each column of a matrix costs. */
export interface StoredAnalysis extends MatrixAt {
  readonly columns: number;
  /**
   * [columns][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS]: squared error of the original weights / the column's sum of squares. Half
   * precision is exact to a thousandth, and such an analysis is the largest thing that the library holds of a model.
   */
  readonly errors: Float16Array;
}

const matrixSchema = z.object({ block: z.int().min(0), kind: z.enum(MATRIX_KINDS) });

const analysisSchema = matrixSchema
  .extend({ columns: z.int().min(1), errors: float16Blob })
  .superRefine(({ columns, errors }, context) => {
    const expected = columns * ANALYSED_ERRORS;
    if (errors.length === expected) return;
    const message = `${errors.length} values instead of ${expected}`;
    context.addIssue({ code: 'custom', path: ['errors'], message });
  });

/** What the errors of this program were measured at. */
const GRID = JSON.stringify([ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS]);
const TABLE = 'analyses';
const OF_MODEL = `FROM ${TABLE} WHERE model_id = @modelId AND files_key = @filesKey AND grid = @grid`;

/** Errors of codebooks on a model's original weights, measured once. `filesKey` as with the column statistics. */
export class AnalysesTable {
  readonly #list: Query<MatrixAt>;
  readonly #one: Query<StoredAnalysis>;
  readonly #save: Command;
  readonly #forgetOthers: Command;

  constructor(database: Database) {
    this.#list = new Query(
      database,
      TABLE,
      matrixSchema,
      `SELECT id, block, kind ${OF_MODEL} ORDER BY ${ORDER_OF_COMPUTATION}`,
    );
    this.#one = new Query(
      database,
      TABLE,
      analysisSchema,
      `SELECT id, block, kind, columns, errors ${OF_MODEL} AND block = @block AND kind = @kind`,
    );
    this.#save = new Command(
      database,
      TABLE,
      `INSERT OR REPLACE INTO ${TABLE} (model_id, files_key, block, kind, columns, grid, errors)
      VALUES (@modelId, @filesKey, @block, @kind, @columns, @grid, @errors)`,
    );
    this.#forgetOthers = new Command(
      database,
      TABLE,
      `DELETE FROM ${TABLE} WHERE model_id = @modelId AND (files_key <> @filesKey OR grid <> @grid)`,
    );
  }

  /** Which matrices are analysed, in the order of computation. */
  list(modelId: ModelId, filesKey: string): MatrixAt[] {
    return this.#list.all({ modelId, filesKey, grid: GRID });
  }

  read(modelId: ModelId, filesKey: string, block: number, kind: MatrixKind): StoredAnalysis | undefined {
    return this.#one.first({ modelId, filesKey, block, kind, grid: GRID });
  }

  /**
   * In place of an earlier one of the same matrix.
   *
   * @throws ClaqError library/not-found where there is no such model
   * @throws RangeError where the errors are not as many as the columns say
   */
  save(modelId: ModelId, filesKey: string, { block, kind, columns, errors }: StoredAnalysis): void {
    if (errors.length !== columns * ANALYSED_ERRORS) {
      throw new RangeError(`errors has ${errors.length} values instead of ${columns * ANALYSED_ERRORS}`);
    }
    this.#save.run({ modelId, filesKey, block, kind, columns, grid: GRID, errors: toBlob(errors) });
  }

  /** Of files that the model's folder had before, and at other widths and shares. */
  forgetOthers(modelId: ModelId, filesKey: string): void {
    this.#forgetOthers.run({ modelId, filesKey, grid: GRID });
  }
}

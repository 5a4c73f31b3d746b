import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { ModelId } from '../../../shared/library.ts';
import { MATRIX_KINDS, type MatrixKind, type MatrixShape } from '../../../shared/model.ts';
import { float32Blob, toBlob, uint32Blob } from './number-blobs.ts';
import { ORDER_OF_COMPUTATION } from './order-of-computation.ts';
import { Command, Query } from './statements.ts';

/** Which matrix statistics are of, without them. */
export interface StatisticsEntry extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Mean |w| over the whole matrix. */
  readonly meanMagnitude: number;
}

/** What is known of a matrix's original weights, column by column. */
export interface StoredStatistics extends StatisticsEntry {
  /** Of each column: its largest |w|, the sum of its squares, its mean and its variance. */
  readonly maxima: Float32Array;
  readonly energies: Float32Array;
  readonly means: Float32Array;
  readonly variances: Float32Array;
  /** The S that outliers were counted at, rounded to float32: compare with Math.fround. */
  readonly sValues: Float32Array;
  /** For each S, the outliers of each column. */
  readonly outliers: readonly Uint32Array[];
}

/** The row's own number, which only errors name, is left out. */
const entrySchema = z.object({
  block: z.int().min(0),
  kind: z.enum(MATRIX_KINDS),
  rows: z.int().min(1),
  columns: z.int().min(1),
  meanMagnitude: z.number(),
});

const statisticsSchema = entrySchema
  .extend({
    maxima: float32Blob,
    energies: float32Blob,
    means: float32Blob,
    variances: float32Blob,
    sValues: float32Blob,
    outliers: uint32Blob,
  })
  .superRefine((row, context) => {
    for (const [name, length] of expectedLengths(row.columns, row.sValues.length)) {
      const found = row[name].length;
      if (found === length) continue;
      context.addIssue({ code: 'custom', path: [name], message: `${found} values instead of ${length}` });
    }
  })
  .transform(({ outliers, ...row }): StoredStatistics => {
    const level = (_: unknown, index: number): Uint32Array =>
      outliers.subarray(index * row.columns, (index + 1) * row.columns);
    return { ...row, outliers: Array.from(row.sValues, level) };
  });

function expectedLengths(columns: number, levels: number) {
  return [
    ['maxima', columns],
    ['energies', columns],
    ['means', columns],
    ['variances', columns],
    ['outliers', columns * levels],
  ] as const;
}

const ENTRY = 'id, block, kind, rows, columns, mean_magnitude AS meanMagnitude';

/**
 * Statistics of the columns of a model's matrices: minutes of reading that are done once. `filesKey` says what the weights'
 * files were; files that have changed have another one, and none of these statistics.
 */
export class ColumnStatisticsTable {
  readonly #entries: Query<StatisticsEntry>;
  readonly #one: Query<StoredStatistics>;
  readonly #save: Command;
  readonly #forgetOthers: Command;

  constructor(database: Database) {
    const table = 'column_statistics';
    this.#entries = new Query(
      database,
      table,
      entrySchema,
      `SELECT ${ENTRY} FROM ${table} WHERE model_id = @modelId AND files_key = @filesKey ORDER BY ${ORDER_OF_COMPUTATION}`,
    );
    this.#one = new Query(
      database,
      table,
      statisticsSchema,
      `SELECT ${ENTRY}, maxima, energies, means, variances, s_values AS sValues, outliers FROM ${table}
      WHERE model_id = @modelId AND files_key = @filesKey AND block = @block AND kind = @kind`,
    );
    this.#save = new Command(
      database,
      table,
      `INSERT OR REPLACE INTO ${table} (model_id, files_key, block, kind, rows, columns, mean_magnitude,
        maxima, energies, means, variances, s_values, outliers)
      VALUES (@modelId, @filesKey, @block, @kind, @rows, @columns, @meanMagnitude,
        @maxima, @energies, @means, @variances, @sValues, @outliers)`,
    );
    this.#forgetOthers = new Command(
      database,
      table,
      `DELETE FROM ${table} WHERE model_id = @modelId AND files_key <> @filesKey`,
    );
  }

  /** Which matrices there are statistics of, in the order of computation. */
  list(modelId: ModelId, filesKey: string): StatisticsEntry[] {
    return this.#entries.all({ modelId, filesKey });
  }

  read(modelId: ModelId, filesKey: string, block: number, kind: MatrixKind): StoredStatistics | undefined {
    return this.#one.first({ modelId, filesKey, block, kind });
  }

  /**
   * In place of earlier ones of the same matrix.
   *
   * @throws ClaqError library/not-found where there is no such model
   * @throws RangeError where an array has another length than the matrix has columns
   */
  save(modelId: ModelId, filesKey: string, statistics: StoredStatistics): void {
    const { outliers, maxima, energies, means, variances, sValues, ...entry } = statistics;
    const arrays = { maxima, energies, means, variances, outliers: joined(outliers) };
    for (const [name, length] of expectedLengths(entry.columns, sValues.length)) {
      const found = arrays[name].length;
      if (found !== length) throw new RangeError(`${name} has ${found} values instead of ${length}`);
    }
    this.#save.run({
      modelId,
      filesKey,
      ...entrySchema.parse(entry),
      maxima: toBlob(maxima),
      energies: toBlob(energies),
      means: toBlob(means),
      variances: toBlob(variances),
      sValues: toBlob(sValues),
      outliers: toBlob(arrays.outliers),
    });
  }

  /** Of files that the model's folder had before. */
  forgetOthers(modelId: ModelId, filesKey: string): void {
    this.#forgetOthers.run({ modelId, filesKey });
  }
}

function joined(arrays: readonly Uint32Array[]): Uint32Array {
  const whole = new Uint32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    whole.set(array, at);
    at += array.length;
  }
  return whole;
}

import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { MatrixShape } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { toBlob, uint16Blob, uint32Blob } from './number-blobs.ts';
import { Command, Query, type SqlParameters } from './statements.ts';

/** Outliers of each column at one S. */
export type ColumnCounts = Uint16Array | Uint32Array;

/** A column has no more outliers than the matrix has rows. */
const MOST_IN_16_BITS = 0xffff;

/** What `column_statistics` says of the matrix, beside the counts. */
const rowSchema = z
  .object({
    rows: z.int().min(1),
    columns: z.int().min(1),
    level: z
      .int()
      .min(0)
      .max(OUTLIER_LEVELS.length - 1),
    counts: z.instanceof(Uint8Array),
  })
  .transform(({ rows, columns, level, counts: bytes }, context) => {
    const read = (rows > MOST_IN_16_BITS ? uint32Blob : uint16Blob).safeParse(bytes);
    const found = read.success ? `${read.data.length} values` : read.error.issues[0]?.message;
    if (!read.success || read.data.length !== columns) {
      context.addIssue({ code: 'custom', path: ['counts'], message: `${found} instead of ${columns}` });
      return z.NEVER;
    }
    return { level, counts: read.data };
  });
type CountsRow = z.output<typeof rowSchema>;

const TABLE = 'outlier_counts';
const SELECT = `SELECT ${TABLE}.id, rows, columns, level, counts FROM ${TABLE}
JOIN column_statistics ON column_statistics.id = statistics_id`;

/** Outliers of each column, a row for each S: part of the column statistics, which these belong to. */
export class OutlierCountsTable {
  readonly #all: Query<CountsRow>;
  readonly #one: Query<CountsRow>;
  readonly #insert: Command;

  constructor(database: Database) {
    this.#all = new Query(
      database,
      TABLE,
      rowSchema,
      `${SELECT} WHERE statistics_id = @statisticsId ORDER BY level`,
    );
    this.#one = new Query(
      database,
      TABLE,
      rowSchema,
      `${SELECT} WHERE model_id = @modelId AND files_key = @filesKey AND block = @block AND kind = @kind
        AND grid = @grid AND level = @level`,
    );
    this.#insert = new Command(
      database,
      TABLE,
      `INSERT INTO ${TABLE} (statistics_id, level, counts) VALUES (@statisticsId, @level, @counts)`,
    );
  }

  /** All levels up to the last one with an outlier, [levels][columns]. */
  all(statisticsId: number, { columns }: MatrixShape): { levels: number; outliers: Uint32Array } {
    const rows = this.#all.all({ statisticsId });
    const levels = (rows.at(-1)?.level ?? -1) + 1;
    const outliers = new Uint32Array(levels * columns);
    for (const { level, counts } of rows) outliers.set(counts, level * columns);
    return { levels, outliers };
  }

  one(parameters: SqlParameters): ColumnCounts | undefined {
    return this.#one.first(parameters)?.counts;
  }

  /** Of a matrix that has none yet. Throws a RangeError where a count is larger than the matrix has rows. */
  save(
    statisticsId: number,
    matrix: MatrixShape & { readonly levels: number; readonly outliers: Uint32Array },
  ): void {
    const { rows, columns, levels, outliers } = matrix;
    for (let level = 0; level < levels; level++) {
      const counts = outliers.subarray(level * columns, (level + 1) * columns);
      const most = counts.reduce((largest, count) => Math.max(largest, count), 0);
      if (most === 0) continue;
      if (most > rows) throw new RangeError(`a column of ${rows} rows has ${most} outliers`);
      const stored = rows > MOST_IN_16_BITS ? counts : Uint16Array.from(counts);
      this.#insert.run({ statisticsId, level, counts: toBlob(stored) });
    }
  }
}

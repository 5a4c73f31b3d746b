import type { Database } from 'better-sqlite3';
import { z } from 'zod';
import type { ModelId } from '../../../shared/library.ts';
import { MATRIX_KINDS, type MatrixKind, type MatrixShape } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { float32Blob, toBlob, uint32Blob } from './number-blobs.ts';
import { type ColumnCounts, OutlierCountsTable } from './outlier-counts-table.ts';
import { ORDER_OF_COMPUTATION } from './order-of-computation.ts';
import { Command, Query } from './statements.ts';

/** Which matrix statistics are of, in a few numbers. */
export interface StatisticsEntry extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Mean and largest |w| over the whole matrix. */
  readonly meanMagnitude: number;
  readonly maxMagnitude: number;
  /** At each of OUTLIER_LEVELS: outliers of the matrix, and columns with at least one. */
  readonly totals: Uint32Array;
  readonly ranked: Uint32Array;
}

/** What is known of a matrix's original weights, column by column. */
export interface StoredStatistics extends Omit<StatisticsEntry, 'totals' | 'ranked'> {
  /** Of each column: its largest |w|, the sum of its squares, its mean and its variance. */
  readonly maxima: Float32Array;
  readonly energies: Float32Array;
  readonly means: Float32Array;
  readonly variances: Float32Array;
  /** Outliers of each column at the first `levels` of OUTLIER_LEVELS, [levels][columns]; at the others there are none. */
  readonly levels: number;
  readonly outliers: Uint32Array;
}

/** What an order and a sum over columns need. */
export interface ColumnSizes extends MatrixShape {
  readonly maxima: Float32Array;
  readonly energies: Float32Array;
}

const numbers = {
  block: z.int().min(0),
  kind: z.enum(MATRIX_KINDS),
  rows: z.int().min(1),
  columns: z.int().min(1),
  meanMagnitude: z.number(),
  maxMagnitude: z.number(),
};
/** The row's own number, which only errors name, is left out. */
const entrySchema = z
  .object({ ...numbers, totals: uint32Blob, ranked: uint32Blob })
  .superRefine((row, context) => {
    for (const name of ['totals', 'ranked'] as const) {
      requireLength(context, name, row[name].length, OUTLIER_LEVELS.length);
    }
  });

const sizes = {
  rows: numbers.rows,
  columns: numbers.columns,
  maxima: float32Blob,
  energies: float32Blob,
};
const sizesSchema = z.object(sizes).superRefine((row, context) => {
  for (const name of ['maxima', 'energies'] as const) {
    requireLength(context, name, row[name].length, row.columns);
  }
});

const COLUMN_ARRAYS = ['maxima', 'energies', 'means', 'variances'] as const;
const statisticsSchema = z
  .object({ id: z.int(), ...numbers, ...sizes, means: float32Blob, variances: float32Blob })
  .superRefine((row, context) => {
    for (const name of COLUMN_ARRAYS) requireLength(context, name, row[name].length, row.columns);
  });

function requireLength(context: z.RefinementCtx, name: string, found: number, expected: number): void {
  if (found === expected) return;
  context.addIssue({ code: 'custom', path: [name], message: `${found} values instead of ${expected}` });
}

/** What the statistics of this program were counted at. */
const GRID = JSON.stringify(OUTLIER_LEVELS);
const TABLE = 'column_statistics';
const NUMBERS =
  'id, block, kind, rows, columns, mean_magnitude AS meanMagnitude, max_magnitude AS maxMagnitude';
const OF_MODEL = `FROM ${TABLE} WHERE model_id = @modelId AND files_key = @filesKey AND grid = @grid`;
const OF_MATRIX = `${OF_MODEL} AND block = @block AND kind = @kind`;

/**
 * Statistics of the columns of a model's matrices: a pass over its weights that is done once. `filesKey` says what the weights'
 * files were; files that have changed have another one, and none of these statistics.
 */
export class ColumnStatisticsTable {
  readonly #counts: OutlierCountsTable;
  readonly #entries: Query<StatisticsEntry>;
  readonly #sizes: Query<ColumnSizes>;
  readonly #one: Query<Omit<StoredStatistics, 'levels' | 'outliers'> & { readonly id: number }>;
  readonly #remove: Command;
  readonly #insert: Query<{ id: number }>;
  readonly #forgetOthers: Command;
  readonly #transaction: (modelId: ModelId, filesKey: string, statistics: StoredStatistics) => void;

  constructor(database: Database) {
    this.#counts = new OutlierCountsTable(database);
    this.#entries = new Query(
      database,
      TABLE,
      entrySchema,
      `SELECT ${NUMBERS}, totals, ranked ${OF_MODEL} ORDER BY ${ORDER_OF_COMPUTATION}`,
    );
    this.#sizes = new Query(
      database,
      TABLE,
      sizesSchema,
      `SELECT id, rows, columns, maxima, energies ${OF_MATRIX}`,
    );
    this.#one = new Query(
      database,
      TABLE,
      statisticsSchema,
      `SELECT ${NUMBERS}, ${COLUMN_ARRAYS.join(', ')} ${OF_MATRIX}`,
    );
    this.#remove = new Command(
      database,
      TABLE,
      `DELETE FROM ${TABLE} WHERE model_id = @modelId AND files_key = @filesKey AND block = @block AND kind = @kind`,
    );
    this.#insert = new Query(
      database,
      TABLE,
      z.object({ id: z.int() }),
      `INSERT INTO ${TABLE} (model_id, files_key, block, kind, rows, columns, mean_magnitude, max_magnitude, grid,
        totals, ranked, maxima, energies, means, variances)
      VALUES (@modelId, @filesKey, @block, @kind, @rows, @columns, @meanMagnitude, @maxMagnitude, @grid,
        @totals, @ranked, @maxima, @energies, @means, @variances)
      RETURNING id`,
    );
    this.#forgetOthers = new Command(
      database,
      TABLE,
      `DELETE FROM ${TABLE} WHERE model_id = @modelId AND (files_key <> @filesKey OR grid <> @grid)`,
    );
    this.#transaction = database.transaction((modelId: ModelId, filesKey: string, saved: StoredStatistics) =>
      this.#replace(modelId, filesKey, saved),
    );
  }

  /** Which matrices there are statistics of, in the order of computation. */
  list(modelId: ModelId, filesKey: string): StatisticsEntry[] {
    return this.#entries.all({ modelId, filesKey, grid: GRID });
  }

  read(modelId: ModelId, filesKey: string, block: number, kind: MatrixKind): StoredStatistics | undefined {
    const found = this.#one.first({ modelId, filesKey, block, kind, grid: GRID });
    if (found === undefined) return undefined;
    const { id, ...statistics } = found;
    return { ...statistics, ...this.#counts.all(id, statistics) };
  }

  /** Reads these two arrays alone. */
  sizes(modelId: ModelId, filesKey: string, block: number, kind: MatrixKind): ColumnSizes | undefined {
    return this.#sizes.first({ modelId, filesKey, block, kind, grid: GRID });
  }

  /**
   * Outliers of each column of a matrix at one of OUTLIER_LEVELS, without a look at the others. Undefined where there are none,
   * or no statistics.
   */
  counts(
    modelId: ModelId,
    filesKey: string,
    matrix: { readonly block: number; readonly kind: MatrixKind },
    level: number,
  ): ColumnCounts | undefined {
    return this.#counts.one({ modelId, filesKey, ...matrix, grid: GRID, level });
  }

  /**
   * In place of earlier ones of the same matrix.
   *
   * @throws ClaqError library/not-found where there is no such model
   * @throws RangeError where an array has another length than the matrix has columns
   */
  save(modelId: ModelId, filesKey: string, statistics: StoredStatistics): void {
    const { columns, levels, outliers } = statistics;
    const lengths = [
      ...COLUMN_ARRAYS.map((name) => [name, statistics[name].length, columns] as const),
      ['outliers', outliers.length, levels * columns] as const,
    ];
    for (const [name, found, expected] of lengths) {
      if (found !== expected) throw new RangeError(`${name} has ${found} values instead of ${expected}`);
    }
    if (levels > OUTLIER_LEVELS.length) {
      throw new RangeError(`there are ${OUTLIER_LEVELS.length} levels, not ${levels}`);
    }
    this.#transaction(modelId, filesKey, statistics);
  }

  /** Of files that the model's folder had before, and at other S. */
  forgetOthers(modelId: ModelId, filesKey: string): void {
    this.#forgetOthers.run({ modelId, filesKey, grid: GRID });
  }

  #replace(modelId: ModelId, filesKey: string, statistics: StoredStatistics): void {
    const { block, kind, rows, columns, meanMagnitude, maxMagnitude } = statistics;
    const numbersOfMatrix = { block, kind, rows, columns, meanMagnitude, maxMagnitude };
    const { totals, ranked } = summaryOf(statistics);
    this.#remove.run({ modelId, filesKey, block, kind });
    const { id } = this.#insert.only({
      modelId,
      filesKey,
      grid: GRID,
      ...numbersOfMatrix,
      totals: toBlob(totals),
      ranked: toBlob(ranked),
      ...Object.fromEntries(COLUMN_ARRAYS.map((name) => [name, toBlob(statistics[name])])),
    });
    this.#counts.save(id, statistics);
  }
}

/** Outliers of all columns at each level, and columns with any. */
export function summaryOf({
  columns,
  levels,
  outliers,
}: Pick<StoredStatistics, 'columns' | 'levels' | 'outliers'>): Pick<StatisticsEntry, 'totals' | 'ranked'> {
  const totals = new Uint32Array(OUTLIER_LEVELS.length);
  const ranked = new Uint32Array(OUTLIER_LEVELS.length);
  for (let level = 0; level < levels; level++) {
    const counts = outliers.subarray(level * columns, (level + 1) * columns);
    let total = 0;
    let any = 0;
    for (const count of counts) {
      total += count;
      if (count > 0) any += 1;
    }
    totals[level] = total;
    ranked[level] = any;
  }
  return { totals, ranked };
}

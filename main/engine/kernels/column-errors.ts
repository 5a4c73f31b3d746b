import type { KernelPool } from './kernel-pool.ts';
import type { StoredMatrix } from './column-statistics.ts';
import { STORED_DTYPES } from './stored-magnitudes.ts';

/** Codebooks to be tried on every column. */
export interface ColumnCandidates {
  /** Ascending, 1 to 8 bits. */
  readonly widths: readonly number[];
  /** Reserved entries at each tail, ascending, 8 at most; where a tail holds half of the rows or more, nothing is left to err. */
  readonly tailCounts: readonly number[];
}

/** The same number stands in assembly/codebook-scratch.ts. */
const MAX_TAIL_COUNTS = 8;
const MAX_WIDTH = 8;

/** Squared error of every column under each candidate, on the original weights. */
export interface ColumnErrors extends ColumnCandidates {
  /** [columns][tailCounts][widths] */
  readonly errors: Float64Array;
}

/** How a matrix's rows differ, [rows] each. */
export interface ColumnRows {
  /** Codebooks are of rows divided by these (claq/row-scales.ts). */
  readonly rowScales?: Float32Array | undefined;
  /** What squared errors of the rows so divided weigh. */
  readonly rowWeights?: Float32Array | undefined;
}

/**
 * Errors of codebooks that leave the reserved entries out, a few percent above those of the fitted ones. All weights are finite.
 */
export async function columnErrors(
  pool: KernelPool,
  { pointer, dtype, rows, columns }: StoredMatrix,
  { widths, tailCounts }: ColumnCandidates,
  { rowScales, rowWeights }: ColumnRows = {},
): Promise<ColumnErrors> {
  const widest = widths.at(-1) ?? 1;
  if (tailCounts.length > MAX_TAIL_COUNTS || widest > MAX_WIDTH || !ascend(tailCounts) || !ascend(widths)) {
    throw new RangeError(
      `no room for ${tailCounts.join(', ')} reserved entries at ${widths.join(', ')} bits`,
    );
  }
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const { errorScratchBytes } = pool.scratchSizes;
    pool.allocateScratchBytes(errorScratchBytes(rows, widest, tailCounts.length));
    const cells = columns * tailCounts.length * widths.length;
    const errors = arena.allocate(cells * 8);
    const args = arena.words([
      pointer,
      rows,
      columns,
      arena.copyBytes(widths),
      widths.length,
      arena.copyInts(tailCounts),
      tailCounts.length,
      errors,
      STORED_DTYPES.indexOf(dtype),
      rowScales === undefined ? 0 : arena.copyFloats(rowScales),
      rowWeights === undefined ? 0 : arena.copyFloats(rowWeights),
    ]);
    await pool.runTilesAsync('columnErrors', args, columns);
    return { widths, tailCounts, errors: Float64Array.from(arena.doubles(errors, cells)) };
  } finally {
    arena.release(mark);
  }
}

function ascend(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number > (numbers[i - 1] ?? number));
}

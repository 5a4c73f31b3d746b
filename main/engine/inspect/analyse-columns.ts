/** What quantizing would cost each column of a model, on its weights alone: the errors that budgets are weighed with. */
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../../../shared/loss-profile.ts';
import type { MatrixKind, MatrixShape } from '../../../shared/model.ts';
import { type ColumnErrors, columnErrors } from '../kernels/column-errors.ts';
import type { StoredMatrix } from '../kernels/column-statistics.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { type WalkOptions, walkMatrices } from './matrix-walk.ts';
import { type MatrixAt, type MatrixSource, finiteMoments, readMatrix, storedBytes } from './stored-matrix.ts';

/** One verb phrase for the whole walk. */
export const ANALYSING_PHASE = 'Fitting codebooks to columns';

/** Errors of a matrix's columns. */
export interface AnalysedColumns extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  /**
   * [columns][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS]: squared error of the column's codebook over the entries that are not
   * reserved, divided by the column's sum of squares; 0 for a column of zeros.
   */
  readonly errors: Float32Array;
}

/**
 * Analyses one matrix. Memory: its stored bytes, in the kernels' arena.
 *
 * @throws ClaqError weights/not-finite, engine/out-of-memory, and whatever reading the tensor throws
 */
export async function analyseMatrix(
  pool: KernelPool,
  checkpoint: MatrixSource,
  block: number,
  kind: MatrixKind,
): Promise<AnalysedColumns> {
  const mark = pool.arena.mark();
  try {
    const at: MatrixAt = { block, kind };
    const pointer = pool.arena.allocate(storedBytes(checkpoint, at));
    return await analyseStored(pool, checkpoint, at, await readMatrix(pool.arena, checkpoint, at, pointer));
  } finally {
    pool.arena.release(mark);
  }
}

/**
 * Analyses the matrices of a model, block by block. Memory: the stored bytes of two matrices, in the kernels' arena.
 *
 * @throws ClaqError run/cancelled between two matrices, and what `analyseMatrix` throws
 */
export async function analyseModel(
  pool: KernelPool,
  checkpoint: MatrixSource,
  options: WalkOptions<AnalysedColumns>,
): Promise<void> {
  await walkMatrices(pool.arena, checkpoint, options, {
    phase: ANALYSING_PHASE,
    work: (at, stored) => analyseStored(pool, checkpoint, at, stored),
  });
}

async function analyseStored(
  pool: KernelPool,
  checkpoint: MatrixSource,
  at: MatrixAt,
  stored: StoredMatrix,
): Promise<AnalysedColumns> {
  const { rows, columns } = stored;
  const { squares } = await finiteMoments(pool, checkpoint, at, stored);
  // Shares that come to the same count are measured once.
  const counts = ANALYSED_TAIL_SHARES.map((share) => Math.round(rows * share));
  const tailCounts = [...new Set(counts)];
  const measured = await columnErrors(pool, stored, { widths: ANALYSED_WIDTHS, tailCounts });
  return { ...at, rows, columns, errors: relativeErrors(measured, squares, counts) };
}

/** @param counts reserved entries a tail, for each share */
function relativeErrors(
  { widths, tailCounts, errors }: ColumnErrors,
  energies: Float64Array,
  counts: readonly number[],
): Float32Array {
  const relative = new Float32Array(energies.length * counts.length * widths.length);
  let at = 0;
  for (const [column, energy] of energies.entries()) {
    for (const count of counts) {
      const from = (column * tailCounts.length + tailCounts.indexOf(count)) * widths.length;
      for (let w = 0; w < widths.length; w++) {
        relative[at++] = energy === 0 ? 0 : (errors[from + w] ?? 0) / energy;
      }
    }
  }
  return relative;
}

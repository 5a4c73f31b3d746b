/** Column statistics of a model's matrices: everything that its weights alone say about outliers. */
import type { MatrixKind, MatrixShape } from '../../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { type StoredMatrix, columnOutliers } from '../kernels/column-statistics.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { type WalkOptions, walkMatrices } from './matrix-walk.ts';
import { type MatrixAt, type MatrixSource, finiteMoments, readMatrix, storedBytes } from './stored-matrix.ts';

/** One verb phrase for the whole walk. */
export const MEASURING_PHASE = 'Looking for outliers';

/** Statistics of a matrix; arrays have one value a column. */
export interface MeasuredColumns extends MatrixShape {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Mean and largest |w| of the matrix. */
  readonly meanMagnitude: number;
  readonly maxMagnitude: number;
  /** Largest |w|. */
  readonly maxima: Float32Array;
  /** Sum of squares. */
  readonly energies: Float32Array;
  readonly means: Float32Array;
  /** Of the column's entries around its mean, divided by the rows. */
  readonly variances: Float32Array;
  readonly sValues: readonly number[];
  /** For each of `sValues` the entries with |w| >= S mean|W|. */
  readonly outliers: readonly Uint32Array[];
}

/**
 * Measures one matrix. Memory: its stored bytes, in the kernels' arena.
 *
 * @param levels each above 0
 * @throws ClaqError weights/not-finite, engine/out-of-memory, and whatever reading the tensor throws
 */
export async function measureMatrix(
  pool: KernelPool,
  checkpoint: MatrixSource,
  block: number,
  kind: MatrixKind,
  levels: readonly number[] = OUTLIER_LEVELS,
): Promise<MeasuredColumns> {
  const mark = pool.arena.mark();
  try {
    const at: MatrixAt = { block, kind };
    const pointer = pool.arena.allocate(storedBytes(checkpoint, at));
    const stored = await readMatrix(pool.arena, checkpoint, at, pointer);
    return await measureStored(pool, checkpoint, at, stored, levels);
  } finally {
    pool.arena.release(mark);
  }
}

export interface MeasureOptions extends WalkOptions<MeasuredColumns> {
  /** S at which outliers are counted; OUTLIER_LEVELS where not given. */
  readonly levels?: readonly number[] | undefined;
}

/**
 * Measures the matrices of a model, block by block; the next one is read while the kernels are at the one before. Memory:
 * the stored bytes of two matrices, in the kernels' arena.
 *
 * @throws ClaqError run/cancelled between two matrices, and what `measureMatrix` throws
 */
export async function measureModel(
  pool: KernelPool,
  checkpoint: MatrixSource,
  { levels = OUTLIER_LEVELS, ...options }: MeasureOptions,
): Promise<void> {
  await walkMatrices(pool.arena, checkpoint, options, {
    phase: MEASURING_PHASE,
    work: (at, stored) => measureStored(pool, checkpoint, at, stored, levels),
  });
}

async function measureStored(
  pool: KernelPool,
  checkpoint: MatrixSource,
  at: MatrixAt,
  stored: StoredMatrix,
  levels: readonly number[],
): Promise<MeasuredColumns> {
  const { rows, columns } = stored;
  const moments = await finiteMoments(pool, checkpoint, at, stored);
  const { meanMagnitude, maxima, sums, squares } = moments;
  return {
    ...at,
    rows,
    columns,
    meanMagnitude,
    maxMagnitude: maxima.reduce((largest, each) => Math.max(largest, each), 0),
    maxima,
    energies: new Float32Array(squares),
    // Float32Array.from with a function takes five times as long.
    means: new Float32Array(sums.map((sum) => sum / rows)),
    variances: new Float32Array(
      squares.map((square, column) => {
        const mean = (sums[column] ?? 0) / rows;
        return Math.max(0, square / rows - mean * mean);
      }),
    ),
    sValues: levels,
    outliers: await columnOutliers(pool, stored, meanMagnitude, levels),
  };
}

import { validRequest } from '../valid-request.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';
import { type MeasuredColumns, measureModel } from '../../engine/inspect/measure-columns.ts';
import { KernelPool } from '../../engine/kernels/kernel-pool.ts';
import type { StoredStatistics } from '../store/store.ts';
import { type ColumnTask, type ColumnTaskSummary, columnTaskSchema, includesMatrix } from './column-tasks.ts';

export interface MeasureHooks extends Pick<RunHooks, 'onProgress' | 'signal'> {
  readonly onStatistics: (statistics: StoredStatistics) => void;
}

/**
 * Measures the columns of a model's matrices, those that are known already left out. Takes the kernel threads, no tensors.
 *
 * @throws ClaqError run/cancelled, engine/kernel-failed, and what opening and reading the checkpoint throws
 */
export async function measureColumns(task: ColumnTask, hooks: MeasureHooks): Promise<ColumnTaskSummary> {
  const { model, skip, threads } = validRequest(columnTaskSchema, task);
  const checkpoint = await openCheckpoint(model);
  try {
    const pool = await KernelPool.start({ threads });
    let matrices = 0;
    try {
      await measureModel(pool, checkpoint, {
        skip: includesMatrix(skip),
        onMatrix: (measured) => {
          hooks.onStatistics(toStore(measured));
          matrices += 1;
        },
        onProgress: hooks.onProgress,
        signal: hooks.signal,
      });
    } finally {
      await pool.stop();
    }
    return { matrices };
  } finally {
    await checkpoint.close();
  }
}

/** Levels behind the last outlier are left out. */
function toStore(measured: MeasuredColumns): StoredStatistics {
  const { block, kind, rows, columns, meanMagnitude, maxMagnitude, outliers } = measured;
  const { maxima, energies, means, variances } = measured;
  const levels = outliers.findLastIndex((counts) => counts.some((count) => count > 0)) + 1;
  const joined = new Uint32Array(levels * columns);
  for (const [level, counts] of outliers.slice(0, levels).entries()) joined.set(counts, level * columns);
  return {
    ...{ block, kind, rows, columns, meanMagnitude, maxMagnitude },
    ...{ maxima, energies, means, variances },
    levels,
    outliers: joined,
  };
}

import type { RunHooks } from '../../../shared/requests.ts';
import { type MeasuredColumns, measureModel } from '../../engine/inspect/measure-columns.ts';
import type { StoredStatistics } from '../store/store.ts';
import type { ColumnTask, ColumnTaskSummary } from './column-tasks.ts';
import { walkColumns } from './walk-columns.ts';

export interface MeasureHooks extends Pick<RunHooks, 'onProgress' | 'signal'> {
  readonly onStatistics: (statistics: StoredStatistics) => void;
}

/**
 * Measures the columns of a model's matrices, those that are known already left out. Takes the kernel threads, no tensors.
 *
 * @throws ClaqError run/cancelled, engine/kernel-failed, and what opening and reading the checkpoint throws
 */
export async function measureColumns(task: ColumnTask, hooks: MeasureHooks): Promise<ColumnTaskSummary> {
  const { onStatistics, onProgress, signal } = hooks;
  return await walkColumns(task, async ({ pool, checkpoint, skip, count }) => {
    await measureModel(pool, checkpoint, {
      skip,
      onMatrix: (measured) => {
        onStatistics(toStore(measured));
        count();
      },
      onProgress,
      signal,
    });
  });
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

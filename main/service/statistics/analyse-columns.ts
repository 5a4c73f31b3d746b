import type { RunHooks } from '../../../shared/requests.ts';
import { openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';
import { analyseModel } from '../../engine/inspect/analyse-columns.ts';
import { KernelPool } from '../../engine/kernels/kernel-pool.ts';
import type { StoredAnalysis } from '../store/store.ts';
import { validRequest } from '../valid-request.ts';
import { type ColumnTask, type ColumnTaskSummary, columnTaskSchema, includesMatrix } from './column-tasks.ts';

export interface AnalyseHooks extends Pick<RunHooks, 'onProgress' | 'signal'> {
  readonly onAnalysis: (analysis: StoredAnalysis) => void;
}

/**
 * Measures what quantizing each column of a model costs, matrices that are known already left out. Takes the kernel threads, no
 * tensors.
 *
 * @throws ClaqError run/cancelled, engine/kernel-failed, and what opening and reading the checkpoint throws
 */
export async function analyseColumns(task: ColumnTask, hooks: AnalyseHooks): Promise<ColumnTaskSummary> {
  const { model, skip, threads } = validRequest(columnTaskSchema, task);
  const checkpoint = await openCheckpoint(model);
  try {
    const pool = await KernelPool.start({ threads });
    let matrices = 0;
    try {
      await analyseModel(pool, checkpoint, {
        skip: includesMatrix(skip),
        onMatrix: ({ block, kind, columns, errors }) => {
          hooks.onAnalysis({ block, kind, columns, errors: new Float16Array(errors) });
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

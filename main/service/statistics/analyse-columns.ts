import type { RunHooks } from '../../../shared/requests.ts';
import { analyseModel } from '../../engine/inspect/analyse-columns.ts';
import type { StoredAnalysis } from '../store/store.ts';
import type { ColumnTask, ColumnTaskSummary } from './column-tasks.ts';
import { walkColumns } from './walk-columns.ts';

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
  const { onAnalysis, onProgress, signal } = hooks;
  return await walkColumns(task, async ({ pool, checkpoint, skip, count }) => {
    await analyseModel(pool, checkpoint, {
      skip,
      onMatrix: ({ block, kind, columns, errors }) => {
        onAnalysis({ block, kind, columns, errors: new Float16Array(errors) });
        count();
      },
      onProgress,
      signal,
    });
  });
}

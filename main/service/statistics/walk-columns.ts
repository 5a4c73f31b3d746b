import type { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../engine/checkpoint/open-checkpoint.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { KernelPool } from '../../engine/kernels/kernel-pool.ts';
import { validRequest } from '../valid-request.ts';
import { type ColumnTask, type ColumnTaskSummary, columnTaskSchema, includesMatrix } from './column-tasks.ts';

/** What a walk over a model's matrices works with. */
export interface ColumnWalk {
  readonly pool: KernelPool;
  readonly checkpoint: Checkpoint;
  /** Whether a matrix is known already. */
  readonly skip: (matrix: MatrixAt) => boolean;
  /** To be called for every matrix that was walked. */
  readonly count: () => void;
}

/**
 * Opens a model and starts the kernel threads for as long as a walk takes.
 *
 * @throws ClaqError request/invalid, engine/kernel-failed, and what opening the checkpoint and the walk throw
 */
export async function walkColumns(
  task: ColumnTask,
  walk: (parts: ColumnWalk) => Promise<void>,
): Promise<ColumnTaskSummary> {
  const { model, skip, threads } = validRequest(columnTaskSchema, task);
  const checkpoint = await openCheckpoint(model);
  try {
    const pool = await KernelPool.start({ threads });
    let matrices = 0;
    try {
      await walk({ pool, checkpoint, skip: includesMatrix(skip), count: () => (matrices += 1) });
    } finally {
      await pool.stop();
    }
    return { matrices };
  } finally {
    await checkpoint.close();
  }
}

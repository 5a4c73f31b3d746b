import type { MatrixInspection, ModelInspection } from '../../../shared/inspection.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { INSPECTION_TIE_RULE, inspectMatrix } from './inspect-matrix.ts';
import { measureModel } from './measure-columns.ts';
import type { MatrixSource } from './stored-matrix.ts';

export interface InspectOptions {
  /** Each above 0. */
  readonly sValues: readonly number[];
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks the matrices of every block and finds where their outliers are. It needs the weights only.
 *
 * @throws ClaqError run/cancelled between two matrices, and whatever reading a tensor throws
 */
export async function inspectCheckpoint(
  pool: KernelPool,
  checkpoint: MatrixSource,
  { sValues, onProgress, signal }: InspectOptions,
): Promise<ModelInspection> {
  const levels = [...new Set(sValues)].sort((a, b) => a - b);
  const matrices: MatrixInspection[] = [];
  await measureModel(pool, checkpoint, {
    levels,
    onMatrix: (measured) => void matrices.push(inspectMatrix(measured)),
    onProgress,
    signal,
  });
  return { model: checkpoint.model, sValues: levels, tieRule: INSPECTION_TIE_RULE, matrices };
}

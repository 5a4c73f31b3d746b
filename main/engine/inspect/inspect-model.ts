import { ClaqError } from '../../../shared/errors.ts';
import type { MatrixInspection, ModelInspection } from '../../../shared/inspection.ts';
import { MATRIX_KINDS, matrixName } from '../../../shared/model.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { INSPECTION_TIE_RULE, inspectMatrix } from './inspect-matrix.ts';

/** One verb phrase for the whole walk. */
export const INSPECTION_PHASE = 'Looking for outliers';

export interface InspectOptions {
  /** Each above 0. */
  readonly sValues: readonly number[];
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Walks the matrices of every block, one at a time, and finds where their outliers are. It needs the weights only.
 *
 * @throws ClaqError run/cancelled between two matrices, and whatever reading a tensor throws
 */
export async function inspectCheckpoint(
  checkpoint: Pick<Checkpoint, 'model' | 'read'>,
  options: InspectOptions,
): Promise<ModelInspection> {
  const { model } = checkpoint;
  const sValues = [...new Set(options.sValues)].sort((a, b) => a - b);
  const total = model.blocks * MATRIX_KINDS.length;
  const matrices: MatrixInspection[] = [];
  for (let block = 0; block < model.blocks; block++) {
    for (const kind of MATRIX_KINDS) {
      if (options.signal?.aborted === true) {
        throw new ClaqError('run/cancelled', 'The inspection was cancelled');
      }
      const name = matrixName(block, kind);
      options.onProgress?.({
        phase: INSPECTION_PHASE,
        done: matrices.length,
        total,
        unit: 'matrices',
        detail: name,
      });
      const weights = await checkpoint.read(`${name}.weight`);
      matrices.push(inspectMatrix(model, block, kind, weights, sValues));
    }
  }
  options.onProgress?.({ phase: INSPECTION_PHASE, done: total, total, unit: 'matrices' });
  return { model, sValues, tieRule: INSPECTION_TIE_RULE, matrices };
}

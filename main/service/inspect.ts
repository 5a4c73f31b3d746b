import { ClaqError } from '../../shared/errors.ts';
import {
  type InspectionResult,
  levelAt,
  type MatrixInspection,
  type ModelInspection,
} from '../../shared/inspection.ts';
import type { ModelDescription } from '../../shared/model.ts';
import { inspectRequestSchema, type InspectRequest, type RunHooks } from '../../shared/requests.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { type InspectOptions, inspectCheckpoint } from '../engine/inspect/inspect-model.ts';
import type { MatrixSource } from '../engine/inspect/stored-matrix.ts';
import { KernelPool } from '../engine/kernels/kernel-pool.ts';
import { validRequest } from './valid-request.ts';

/**
 * Finds where a model's outliers are, from its weights alone.
 *
 * @throws ClaqError request/invalid for a layer that the model does not have, run/cancelled, and whatever opening and
 *   reading the checkpoint throws
 */
export async function inspectModel(request: InspectRequest, hooks: RunHooks = {}): Promise<InspectionResult> {
  const { model: folder, outlierS, sValues, block, matrix } = validRequest(inspectRequestSchema, request);
  const checkpoint = await openCheckpoint(folder);
  try {
    requireBlock(checkpoint.model, block, folder);
    const inspection = await inspectWith(checkpoint, { ...hooks, sValues: [...sValues, outlierS] });
    const candidates = inspection.matrices.filter(
      (each) =>
        (block === undefined || each.block === block) && (matrix === undefined || each.kind === matrix),
    );
    return {
      inspection,
      outlierS,
      shown: richestIn(candidates, outlierS, folder),
      unused: [...checkpoint.extras.keys()],
    };
  } finally {
    await checkpoint.close();
  }
}

async function inspectWith(checkpoint: MatrixSource, options: InspectOptions): Promise<ModelInspection> {
  const pool = await KernelPool.start();
  try {
    return await inspectCheckpoint(pool, checkpoint, options);
  } finally {
    await pool.stop();
  }
}

function requireBlock(model: ModelDescription, block: number | undefined, folder: string): void {
  if (block === undefined || block < model.blocks) return;
  throw new ClaqError('request/invalid', 'The model has no such layer', {
    where: folder,
    expected: `a layer from 0 to ${model.blocks - 1}`,
    found: `layer ${block}`,
    remedy: 'layers are counted from 0',
  });
}

/** The matrix with the largest outlier ratio; the first of them where several tie. */
function richestIn(matrices: readonly MatrixInspection[], s: number, folder: string): MatrixInspection {
  const [first, ...others] = matrices;
  if (first === undefined) {
    throw new ClaqError('request/invalid', 'The model has no matrices to inspect', { where: folder });
  }
  return others.reduce(
    (best, each) => (levelAt(each, s).ratio > levelAt(best, s).ratio ? each : best),
    first,
  );
}

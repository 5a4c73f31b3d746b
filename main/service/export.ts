import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import {
  type DENSE_DTYPES,
  type ExportRequest,
  type ExportSummary,
  type RunHooks,
  exportRequestSchema,
} from '../../shared/requests.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { exportDense } from '../engine/export/dense.ts';
import type { DenseReport } from '../engine/export/verify.ts';
import { requireSameModel } from './model-files.ts';
import { type OpenedRun, openRun } from './open-run.ts';
import { validRequest } from './valid-request.ts';

type DenseDtypeName = (typeof DENSE_DTYPES)[number];

/** Folder of the dense export inside of a run's, where none is named. */
export const DENSE_FOLDER = 'dense';

const ENGINE_DTYPES = { source: 'source', f16: 'F16', f32: 'F32' } as const satisfies Record<
  DenseDtypeName,
  string
>;

/** Writes a Hugging Face folder with the run's weights in the place of the model's, and checks it. */
export async function writeDense(
  checkpoint: Checkpoint,
  outFolder: string,
  dtype: DenseDtypeName,
  weights: OpenedRun['weights'],
  hooks: RunHooks,
): Promise<DenseReport> {
  return exportDense({ checkpoint, outFolder, dtype: ENGINE_DTYPES[dtype], quantized: weights, ...hooks });
}

/** `claq export RUN`. Throws ClaqError request/invalid where the folder is no run, and as exportDense does. */
export async function exportRun(request: ExportRequest, hooks: RunHooks = {}): Promise<ExportSummary> {
  const start = performance.now();
  const { run: path, out, dtype } = validRequest(exportRequestSchema, request);
  const run = await openRun(path);
  if (run === undefined) {
    throw new ClaqError('request/invalid', 'This folder is not a run', {
      where: resolve(path),
      expected: 'a folder that `claq quantize` made, with a run.json',
      found: 'no run.json',
      remedy: 'quantize a model first, then export the run',
    });
  }
  const checkpoint = await openCheckpoint(run.record.model.folder);
  try {
    await requireSameModel(run.record.model.files, checkpoint, hooks);
    const folder = resolve(out ?? join(run.folder, DENSE_FOLDER));
    const report = await writeDense(checkpoint, folder, dtype, run.weights, hooks);
    const files = await readdir(folder);
    const seconds = (performance.now() - start) / 1000;
    return { run: run.folder, folder, dtype, files: files.length, bytes: report.bytes, seconds };
  } finally {
    await checkpoint.close();
  }
}

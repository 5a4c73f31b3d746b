import { readdir } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import {
  type DENSE_DTYPES,
  type ExportRequest,
  type RunHooks,
  exportRequestSchema,
} from '../../shared/requests.ts';
import type { DenseExport } from '../../shared/run-record.ts';
import type { ExportSummary } from '../../shared/summaries.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import { exportDense } from '../engine/export/dense.ts';
import { lockFolder } from './folder-lock.ts';
import { requireSameModel } from './model-files.ts';
import { type OpenedRun, notARun, openRun, readRunRecord } from './open-run.ts';
import { writeRunFile } from './run-folder.ts';
import { systemErrorCode } from '../../shared/system-error.ts';
import { validRequest } from './valid-request.ts';

export type DenseDtypeName = (typeof DENSE_DTYPES)[number];

/** Folder of the dense export inside of a run's, where none is named: each dtype has its own. */
export const DENSE_FOLDERS = {
  source: 'dense',
  f16: 'dense-f16',
  f32: 'dense-f32',
} as const satisfies Record<DenseDtypeName, string>;

/** What the engine calls them. */
export const ENGINE_DTYPES = { source: 'source', f16: 'F16', f32: 'F32' } as const satisfies Record<
  DenseDtypeName,
  string
>;

/** For people: what exports a finished run. */
export function exportCommand(folder: string, dtype: DenseDtypeName = 'source'): string {
  return `claq export ${folder}${dtype === 'source' ? '' : ` --dtype ${dtype}`}`;
}

/** Writes a Hugging Face folder with the run's weights in the place of the model's, and checks it. Throws as exportDense does. */
export async function writeDense(
  checkpoint: Checkpoint,
  outFolder: string,
  dtype: DenseDtypeName,
  weights: OpenedRun['weights'],
  hooks: RunHooks,
): Promise<DenseExport> {
  const start = performance.now();
  const { bytes } = await exportDense({
    checkpoint,
    outFolder,
    dtype: ENGINE_DTYPES[dtype],
    quantized: weights,
    ...hooks,
  });
  const { length: files } = await readdir(outFolder);
  return { files, bytes, seconds: (performance.now() - start) / 1000, madeAt: new Date().toISOString() };
}

/**
 * `claq export RUN`. What is written inside of the run's folder is written under its lock, and the record names the folder
 * of its own choice.
 *
 * @throws ClaqError request/invalid where the folder is no run, output/exported-already, output/in-use, and as exportDense does
 */
export async function exportRun(request: ExportRequest, hooks: RunHooks = {}): Promise<ExportSummary> {
  const start = performance.now();
  const { run: path, out, dtype } = validRequest(exportRequestSchema, request);
  const run = await openRun(path);
  if (run === undefined) throw notARun(resolve(path));
  const folder = resolve(out ?? join(run.folder, DENSE_FOLDERS[dtype]));
  const lock = isInside(run.folder, folder) ? await lockFolder(run.folder) : undefined;
  try {
    if (out === undefined) await refuseExported(folder);
    const made = await exportInto(run, folder, dtype, hooks);
    if (out === undefined) await recordExport(run.folder, DENSE_FOLDERS[dtype], made);
    const { files, bytes } = made;
    return { run: run.folder, folder, dtype, files, bytes, seconds: (performance.now() - start) / 1000 };
  } finally {
    await lock?.release();
  }
}

function isInside(outer: string, folder: string): boolean {
  const path = relative(outer, folder);
  return !isAbsolute(path) && path.split(sep)[0] !== '..';
}

/** Before the model is read, which takes a while. */
async function refuseExported(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new ClaqError('output/exported-already', 'The run has been exported with this dtype already', {
    where: folder,
    expected: 'a folder that is empty or does not exist yet',
    found: `${entries.length} files`,
    remedy: 'use what is there, or name another folder with --out',
  });
}

async function exportInto(
  run: OpenedRun,
  folder: string,
  dtype: DenseDtypeName,
  hooks: RunHooks,
): Promise<DenseExport> {
  const checkpoint = await openCheckpoint(run.record.model.folder);
  try {
    await requireSameModel(run.record.model.files, checkpoint, hooks);
    return await writeDense(checkpoint, folder, dtype, run.weights, hooks);
  } finally {
    await checkpoint.close();
  }
}

/** Reads the record again: it may have changed before the lock was taken. */
async function recordExport(runFolder: string, dense: string, denseExport: DenseExport): Promise<void> {
  const record = await readRunRecord(runFolder);
  if (record !== undefined) await writeRunFile(runFolder, { ...record, dense, denseExport });
}

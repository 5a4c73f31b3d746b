/** A run that was made elsewhere, by a command or with another library, taken into this one. Its folder stays as it is. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { ModelCard } from '../../../shared/library.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../../shared/model.ts';
import { exportFolderName } from '../../../shared/exports.ts';
import { type RunRecord, matrixResultSchema } from '../../../shared/run-record.ts';
import type { ExportCard, RunDetail } from '../../../shared/runs.ts';
import { systemErrorCode } from '../../../shared/system-error.ts';
import { DEMO_MODEL } from '../bundled-texts.ts';
import { exists } from '../folder-contents.ts';
import { type FolderLock, lockFolder } from '../../engine/checkpoint/folder-lock.ts';
import { notARun, readRunRecord } from '../open-run.ts';
import { recordedChoices } from '../recorded-choices.ts';
import { RUN_FILE } from '../run-folder.ts';
import type { Store } from '../store/store.ts';
import type { Changes } from './changes.ts';
import { type ModelLibrary, notFound } from './model-library.ts';

export interface RunAdding {
  readonly store: Store;
  readonly models: ModelLibrary;
  readonly changes: Changes;
}

/**
 * A complete run is added as one, any other as one that was interrupted and can be gone on with. Its model comes into the library
 * where it is not there. A folder of the library gives its run.
 *
 * @throws ClaqError request/invalid where the folder is no run, result/malformed, output/in-use where it is being written,
 *   model/not-a-model-folder, model/changed
 */
export async function addRunFolder(parts: RunAdding, path: string): Promise<RunDetail> {
  const folder = resolve(path);
  const known = knownRun(parts, folder);
  if (known !== undefined) return known;
  if ((await readRunRecord(folder)) === undefined) throw notARun(folder);
  const lock = await lockForReading(folder);
  try {
    // Again: both may have changed before the lock was taken.
    const record = await readRunRecord(folder);
    if (record === undefined) throw notARun(folder);
    return knownRun(parts, folder) ?? (await addRecorded(parts, folder, record));
  } finally {
    await lock?.release();
  }
}

function knownRun({ store }: RunAdding, folder: string): RunDetail | undefined {
  const known = store.runs.list().find((run) => run.folder === folder);
  return known === undefined ? undefined : store.runs.get(known.id);
}

/** Undefined where nothing can be written in the folder, a lock neither. */
async function lockForReading(folder: string): Promise<FolderLock | undefined> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS'].includes(systemErrorCode(error) ?? '')) return undefined;
    if (!(error instanceof ClaqError) || error.code !== 'output/in-use') throw error;
    const { where, found } = error;
    throw new ClaqError('output/in-use', 'The run is being written now', {
      ...(where === undefined ? {} : { where }),
      expected: 'a run that has ended, or was stopped',
      ...(found === undefined ? {} : { found }),
      remedy: 'wait for its end, or stop it there; if nothing is at it any more, delete the file named above',
      cause: error,
    });
  }
}

async function addRecorded(parts: RunAdding, folder: string, record: RunRecord): Promise<RunDetail> {
  const { store, changes } = parts;
  const choices = recordedChoices(record);
  const model = await modelOf(parts, record, folder);
  requireFitting(record, model.description, folder);
  const { blocks } = model.description;
  const endedAt = (await stat(join(folder, RUN_FILE))).mtime.toISOString();
  const made = await recordedExports(folder, record);
  const { settings, startedAt, engine, result, program } = record;
  const id = store.transaction(() => {
    const added = store.runs.insert({
      modelId: model.id,
      folder,
      choices,
      method: settings.method,
      budget: settings.budget,
      blocks,
      matricesTotal: blocks * MATRIX_KINDS.length,
      queuedAt: startedAt,
    });
    store.runs.setState(added, 'interrupted', { startedAt, endedAt, engine: engine.backend });
    store.runs.saveMatrices(
      added,
      record.matrices.map((matrix) => resultOf.parse(matrix)),
    );
    if (result !== null) store.runs.complete(added, result, endedAt);
    for (const each of made) store.exports.insert({ ...each, runId: added, modelId: null });
    store.runs.addNote(added, {
      at: new Date().toISOString(),
      line: `Added from its folder: made by ${program}`,
    });
    return added;
  });
  changes.announce('runs');
  changes.announce('models');
  const run = store.runs.get(id);
  if (run === undefined) throw notFound('run', id);
  return run;
}

/** Without what only the folder's files are about. */
const resultOf = z.object(matrixResultSchema.shape);

async function modelOf(
  { models }: RunAdding,
  { model: { folder: source } }: RunRecord,
  folder: string,
): Promise<ModelCard> {
  if (source === DEMO_MODEL) return await models.addDemo();
  try {
    return await models.add(source);
  } catch (error) {
    if (!(error instanceof ClaqError) || error.code !== 'model/not-a-model-folder') throw error;
    throw new ClaqError('model/not-a-model-folder', 'The model of this run is not where it was', {
      where: source,
      expected: `the model that the run in ${folder} was made of`,
      ...(error.found === undefined ? {} : { found: error.found }),
      remedy: 'put the model back there, then add the run',
      cause: error,
    });
  }
}

/** Files of a model may be others by now; what is shown of a run must be about matrices that there are. */
function requireFitting(
  { status, matrices, result }: RunRecord,
  description: ModelDescription,
  folder: string,
): void {
  const { blocks } = description;
  const other = matrices.find(({ block, kind, rows, columns }) => {
    const shape = matrixShape(description, kind);
    return block < 0 || block >= blocks || rows !== shape.rows || columns !== shape.columns;
  });
  if (other !== undefined) {
    throw new ClaqError('model/changed', 'The model is not the one that this run was made of', {
      where: folder,
      expected: `a model with ${other.name} of ${other.rows} x ${other.columns}`,
      found: `one of ${blocks} blocks and other matrices`,
      remedy: 'put the model back that was quantized, then add the run',
    });
  }
  const names = new Set(matrices.map(({ block, kind }) => `${block} ${kind}`));
  const whole = names.size === matrices.length && names.size === blocks * MATRIX_KINDS.length;
  const complete = status === 'complete';
  if (complete === (result !== null) && (whole || !complete) && names.size === matrices.length) return;
  throw new ClaqError('result/malformed', 'The record of the run contradicts itself', {
    where: join(folder, RUN_FILE),
    expected: `${blocks * MATRIX_KINDS.length} matrices and a result in a complete run, no result in any other`,
    found: `status ${status}, ${names.size} matrices`,
    remedy: 'quantize the model again',
  });
}

/**
 * The exports that lie in the run's folder, each in that of its target. No other folder than those: whoever deletes an export of the
 * list deletes its folder.
 */
async function recordedExports(
  folder: string,
  { exports }: RunRecord,
): Promise<Omit<ExportCard, 'id' | 'runId' | 'modelId'>[]> {
  const found = [];
  for (const { madeAt, target, ...made } of exports) {
    const path = join(folder, exportFolderName(target));
    if (await exists(path)) found.push({ ...made, target, folder: path, createdAt: madeAt });
  }
  return found;
}

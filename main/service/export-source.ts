/** What an export is made of: a finished run with the model that it was made of, or a packed model. */
import { join, resolve } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import type { RunHooks } from '../../shared/requests.ts';
import type { RunRecord } from '../../shared/run-record.ts';
import type { Checkpoint } from '../engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../engine/checkpoint/open-checkpoint.ts';
import type { Replacements } from '../engine/export/dense-tensors.ts';
import { PackedCheckpoint } from '../engine/packed-model/packed-checkpoint.ts';
import { hashModelFiles, requireSameModel, requireWrittenMatrices } from './model-files.ts';
import { type OpenedRun, openRun } from './open-run.ts';
import { RUN_FILE } from './run-folder.ts';

export interface ExportSource extends Replacements {
  /** Where exports go that are given no other place. */
  readonly folder: string;
  readonly checkpoint: Checkpoint;
  /** Absolute path of the file of a matrix (by the tensor's name), and what a run's record says of it; of runs alone. */
  readonly matrixFile: ((tensorName: string) => string | undefined) | undefined;
  readonly record: RunRecord | undefined;
  /** SHA-256 of every file that the export's bytes depend on. */
  readonly hashes: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Opens a run's folder, or a packed model's. Throws ClaqError request/invalid where it is neither, result/malformed for a run that is
 * not complete or whose files have changed, model/changed, and what opening a model throws.
 */
export async function openExportSource(path: string, hooks: RunHooks): Promise<ExportSource> {
  const run = await openRun(path);
  return run === undefined ? await packedSource(path, hooks) : await runSource(run, hooks);
}

/** Of a run and its model, which the caller has open. */
export function sourceOfRun(run: OpenedRun, checkpoint: Checkpoint): ExportSource {
  const files = new Map(run.record.matrices.map(({ name, file }) => [`${name}.weight`, file]));
  const matrices = run.record.matrices.map(({ file, sha256 }): [string, string] => [file, sha256]);
  return {
    folder: run.folder,
    checkpoint,
    quantized: run.weights,
    coded: run.coded,
    matrixFile: (name) => {
      const file = files.get(name);
      return file === undefined ? undefined : join(run.folder, file);
    },
    record: run.record,
    hashes: { ...run.record.model.files, ...Object.fromEntries(matrices) },
    close: () => checkpoint.close(),
  };
}

async function runSource(run: OpenedRun, hooks: RunHooks): Promise<ExportSource> {
  const checkpoint = await openCheckpoint(run.record.model.folder);
  try {
    await requireSameModel(run.record.model.files, checkpoint, hooks);
    await requireWrittenMatrices(run.folder, run.record.matrices, hooks);
    return sourceOfRun(run, checkpoint);
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

async function packedSource(path: string, hooks: RunHooks): Promise<ExportSource> {
  const folder = resolve(path);
  const checkpoint = await openModel(folder);
  try {
    if (!(checkpoint instanceof PackedCheckpoint)) throw notASource(folder, 'a model that is not quantized');
    return {
      folder,
      checkpoint,
      ...packedMatrices(checkpoint),
      matrixFile: undefined,
      record: undefined,
      hashes: await hashModelFiles(checkpoint, hooks),
      close: () => checkpoint.close(),
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** As codes: not decoded whole, as the checkpoint would. */
export function packedMatrices(packed: PackedCheckpoint): Replacements {
  return { quantized: () => Promise.resolve(undefined), coded: (name) => packed.readQuantized(name) };
}

async function openModel(folder: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(folder);
  } catch (error) {
    if (!(error instanceof ClaqError) || error.code !== 'model/not-a-model-folder') throw error;
    throw notASource(folder, `no ${RUN_FILE}, and no model`);
  }
}

function notASource(folder: string, found: string): ClaqError {
  return new ClaqError('request/invalid', 'There is nothing quantized in this folder', {
    where: folder,
    expected: `a folder that a quantization has made, with a ${RUN_FILE}, or a packed model`,
    found,
    remedy: 'name the folder of a run; to have one, quantize a model first',
  });
}

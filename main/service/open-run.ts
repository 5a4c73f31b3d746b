/** A finished run opened for reading: its record, its source model, its quantized matrices. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../shared/errors.ts';
import { type MatrixKind, matrixName } from '../../shared/model.ts';
import { type MatrixRecord, type RunRecord, runRecordSchema } from '../../shared/run-record.ts';
import { type QuantizedMatrix, dequantize } from '../engine/claq/quantized-matrix.ts';
import { type MatrixMemory, readMatrix } from '../engine/result/matrix-file.ts';
import { ReusedMemory } from '../engine/checkpoint/reused-memory.ts';
import { RUN_FILE } from './run-folder.ts';
import { systemErrorCode } from '../../shared/system-error.ts';

export interface OpenedRun {
  readonly folder: string;
  readonly record: RunRecord;
  /** The weights that stand in for a matrix, row-major; undefined for a name that was not quantized. */
  readonly weights: (tensorName: string) => Promise<Float32Array | undefined>;
  /** The same as codes, which are there until the next are asked for. */
  readonly coded: (tensorName: string) => Promise<QuantizedMatrix | undefined>;
  readonly matrix: (block: number, kind: MatrixKind) => Promise<Float32Array | undefined>;
}

/**
 * A run's record; undefined where the folder has none. Throws ClaqError result/malformed.
 * @param remedy what to do about one that cannot be read
 */
export async function readRunRecord(
  folder: string,
  remedy = 'quantize the model again, with the version of the program that you use now',
): Promise<RunRecord | undefined> {
  const path = join(folder, RUN_FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return runRecordSchema.parse(JSON.parse(text));
  } catch (cause) {
    const found = cause instanceof z.ZodError ? z.prettifyError(cause) : 'no JSON';
    throw new ClaqError('result/malformed', 'The record of the run cannot be read', {
      where: path,
      found,
      remedy,
      cause,
    });
  }
}

export function notARun(folder: string): ClaqError {
  return new ClaqError('request/invalid', 'This folder is not a run', {
    where: folder,
    expected: `a folder that a quantization has made, with a ${RUN_FILE}`,
    found: `no ${RUN_FILE}`,
    remedy: 'name the folder of a run; to have one, quantize a model first',
  });
}

/** Undefined where the folder is not a run. Throws ClaqError result/malformed for a run that did not finish. */
export async function openRun(path: string): Promise<OpenedRun | undefined> {
  const folder = resolve(path);
  const record = await readRunRecord(folder);
  if (record === undefined) return undefined;
  if (record.status !== 'complete') {
    throw new ClaqError('result/malformed', 'The run is not complete', {
      where: folder,
      expected: 'a run that ended well',
      found: `status ${record.status}, ${record.matrices.length} matrices`,
      remedy: `go on with it: claq quantize ${record.model.folder} --out ${folder}, with the options that it was begun with`,
    });
  }
  const byName = new Map(record.matrices.map((matrix) => [`${matrix.name}.weight`, matrix]));
  const weights = async (name: string): Promise<Float32Array | undefined> => {
    const matrix = byName.get(name);
    return matrix === undefined ? undefined : recordedWeights(folder, matrix);
  };
  const memory: MatrixMemory = { file: new ReusedMemory(), codes: new ReusedMemory() };
  const coded = async (name: string): Promise<QuantizedMatrix | undefined> => {
    const matrix = byName.get(name);
    return matrix === undefined ? undefined : recordedMatrix(folder, matrix, memory);
  };
  return {
    folder,
    record,
    weights,
    coded,
    matrix: (block, kind) => weights(`${matrixName(block, kind)}.weight`),
  };
}

/** The weights of a matrix of a run, row-major. Throws ClaqError result/malformed where its file holds anything else. */
export async function recordedWeights(folder: string, record: MatrixRecord): Promise<Float32Array> {
  return dequantize(await recordedMatrix(folder, record));
}

async function recordedMatrix(
  folder: string,
  record: MatrixRecord,
  memory?: MatrixMemory,
): Promise<QuantizedMatrix> {
  const path = join(folder, record.file);
  const { name, matrix } = await readMatrix(path, memory);
  if (name !== record.name || matrix.rows !== record.rows || matrix.columns !== record.columns) {
    throw new ClaqError('result/malformed', 'A file of the run holds another matrix than its record says', {
      where: path,
      expected: `${record.name}, ${record.rows} x ${record.columns}`,
      found: `${name}, ${matrix.rows} x ${matrix.columns}`,
      remedy: 'quantize the model again',
    });
  }
  return matrix;
}

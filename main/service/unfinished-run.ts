/** Going on with a run that was stopped: only where it is the same run, and with the blocks that it finished. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ClaqError } from '../../shared/errors.ts';
import { MATRIX_KINDS, type ModelDescription } from '../../shared/model.ts';
import type { RunHooks } from '../../shared/requests.ts';
import type { MatrixRecord, RunRecord } from '../../shared/run-record.ts';
import type { ReplaceMatrix } from '../engine/transformer/block-weights.ts';
import { exportCommand } from './export.ts';
import { hashFile } from '../engine/checkpoint/file-hash.ts';
import { readRunRecord, recordedWeights } from './open-run.ts';
import { RUN_FILE, type RunFolder } from './run-folder.ts';
import { systemErrorCode } from '../../shared/system-error.ts';

/** An error names so many differences: another budget alone makes half a dozen. */
const DIFFERENCES_SHOWN = 3;

const OTHER_FOLDER = 'choose another folder with --out, or delete this one';

/**
 * The run of a folder to go on with: one that has something to show for it. Undefined where there is none, or where it is to begin
 * anew all the same.
 * @throws ClaqError output/finished-run where the run is complete: a folder is somebody's result, and is not overwritten;
 *   result/malformed where its record cannot be read, unless the run is to begin anew
 */
export async function unfinishedRun(
  { folder, existing }: RunFolder,
  restart: boolean,
): Promise<RunRecord | undefined> {
  const record = existing ? await existingRecord(folder, restart) : undefined;
  if (record?.status === 'complete') {
    const { settings, startedAt, exports } = record;
    throw finishedRun(
      folder,
      `${settings.budget}, ${settings.method}, of ${startedAt}`,
      // The run may have ended in its export, which is all that is missing then.
      exports.length === 0
        ? `export it (${exportCommand(folder, { format: 'dense', dtype: 'source' })}), ${OTHER_FOLDER}`
        : OTHER_FOLDER,
    );
  }
  return record === undefined || restart || !hasBegun(record) ? undefined : record;
}

/** Whether a block is finished, or what is decided before the first one. */
function hasBegun(record: RunRecord): boolean {
  const hasPlans = record.soFar?.timing['plan'] !== undefined;
  return recordedBlocks(record) > 0 || hasPlans || record.strength !== undefined;
}

/** Undefined also for a record that cannot be read, of a run that is to begin anew. */
async function existingRecord(folder: string, restart: boolean): Promise<RunRecord | undefined> {
  try {
    return await readRunRecord(folder, 'begin anew with --restart, or choose another folder with --out');
  } catch (error) {
    if (!(error instanceof ClaqError)) throw error;
    if (await saysComplete(folder)) {
      throw finishedRun(folder, 'a record that this version of the program cannot read', OTHER_FOLDER);
    }
    if (restart) return undefined;
    throw error;
  }
}

/** All that is asked of another version's record. */
const finishedSchema = z.object({ status: z.literal('complete') });

/** Whether a record of no form that is known says that its run is complete. */
async function saysComplete(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, RUN_FILE), 'utf8');
  try {
    return finishedSchema.safeParse(JSON.parse(text)).success;
  } catch {
    return false;
  }
}

function finishedRun(folder: string, found: string, remedy: string): ClaqError {
  return new ClaqError('output/finished-run', 'The output folder holds a finished run', {
    where: folder,
    expected: 'a new folder, an empty one, or that of a run which did not finish',
    found,
    remedy,
  });
}

/**
 * Requires that the run would have made the same bytes as the unfinished one: program, model, method, calibration and
 * engine are the same. Threads and the evaluation may be others.
 * @param folder the unfinished run's
 * @throws ClaqError output/other-run, naming what differs in the words of run.json
 */
export function requireSameRun(folder: string, unfinished: RunRecord, wanted: RunRecord): void {
  const before = decidingValues(unfinished);
  const now = decidingValues(wanted);
  const names = [...new Set([...before.keys(), ...now.keys()])];
  const differing = names.filter((name) => before.get(name) !== now.get(name));
  if (differing.length === 0) return;
  const shown = (values: ReadonlyMap<string, string>): string => {
    const named = differing
      .slice(0, DIFFERENCES_SHOWN)
      .map((name) => `${name} ${values.get(name) ?? 'not there'}`);
    const more = differing.length - named.length;
    return named.join(', ') + (more === 0 ? '' : ` (and ${more} more)`);
  };
  throw new ClaqError(
    'output/other-run',
    'The output folder holds an unfinished run that was made otherwise',
    {
      where: join(folder, RUN_FILE),
      expected: shown(before),
      found: shown(now),
      remedy:
        'ask for the same to go on with that run, choose another folder with --out, or begin anew with --restart',
    },
  );
}

/** What may be another in each session: the bytes are the same on any number of threads. */
const FREE = new Set(['engine.threads', 'engine.node']);

/** Whatever decides the bytes of a run's matrices, each value as text under its name in run.json. */
function decidingValues({ program, model, settings, calibration, engine }: RunRecord): Map<string, string> {
  const values = leaves('', {
    program,
    model: { files: model.files },
    settings,
    // Of the texts their content counts, not where they lie.
    calibration: { ...calibration, corpus: { sha256: calibration.corpus.sha256 } },
    engine,
  });
  return new Map(values.filter(([name]) => !FREE.has(name)));
}

function leaves(path: string, value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    leaves(path === '' ? name : `${path}.${name}`, inner),
  );
}

/** For people: where the run is taken up. */
export function goingOnNote(unfinished: RunRecord, { blocks }: ModelDescription): string {
  const finished = recordedBlocks(unfinished);
  return finished < blocks
    ? `Going on with block ${finished + 1} of ${blocks}`
    : `All ${blocks} blocks were quantized before`;
}

/** Blocks that the record has all matrices of. */
function recordedBlocks({ matrices }: RunRecord): number {
  return [...byBlock(matrices).values()].filter(isComplete).length;
}

/**
 * Gives the matrices of a block that the run has finished; undefined where it has not, or where a file of the block is not
 * the one that was written. Looks when it is asked: a large model's files are not all read before the first is used.
 * @param onNote hears of such files
 */
export function finishedBlocks(
  folder: string,
  { matrices }: RunRecord,
  onNote: RunHooks['onNote'],
): (block: number) => Promise<ReplaceMatrix | undefined> {
  const recorded = byBlock(matrices);
  return async (block) => {
    const ofBlock = recorded.get(block) ?? [];
    if (!isComplete(ofBlock)) return undefined;
    for (const matrix of ofBlock) {
      if (await isAsWritten(folder, matrix)) continue;
      onNote?.(`Block ${block + 1} is quantized again: ${matrix.file} is not as it was written`);
      return undefined;
    }
    return async (_, kind) => {
      const matrix = ofBlock.find((each) => each.kind === kind);
      return matrix === undefined ? undefined : recordedWeights(folder, matrix);
    };
  };
}

function byBlock(matrices: readonly MatrixRecord[]): Map<number, MatrixRecord[]> {
  return Map.groupBy(matrices, ({ block }) => block);
}

function isComplete(matrices: readonly MatrixRecord[]): boolean {
  return MATRIX_KINDS.every((kind) => matrices.some((matrix) => matrix.kind === kind));
}

/** A file that the system cannot read is not. */
async function isAsWritten(folder: string, { file, sha256 }: MatrixRecord): Promise<boolean> {
  try {
    return (await hashFile(join(folder, file))) === sha256;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

import { readdir } from 'node:fs/promises';
import { basename, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { ClaqError } from '../../shared/errors.ts';
import {
  type ComparedPerplexity,
  type ExportResult,
  type ExportTarget,
  exportFolderName,
  isSameTarget,
} from '../../shared/exports.ts';
import { type ExportRequest, type RunHooks, exportRequestSchema } from '../../shared/requests.ts';
import type { ExportRecord } from '../../shared/run-record.ts';
import type { ExportSummary } from '../../shared/summaries.ts';
import { systemErrorCode } from '../../shared/system-error.ts';
import { lockFolder } from '../engine/checkpoint/folder-lock.ts';
import { exportModel } from '../engine/export/export-model.ts';
import { startEngine } from '../engine/start-engine.ts';
import { comparePerplexity } from './compare-perplexity.ts';
import { exportFormat } from './export-formats.ts';
import { exportIdentity } from './export-identity.ts';
import { type ExportSource, openExportSource } from './export-source.ts';
import { modelCard, sourceCard } from './model-card.ts';
import { readRunRecord } from './open-run.ts';
import { programName } from './program-name.ts';
import { writeRunFile } from './run-folder.ts';
import { validRequest } from './valid-request.ts';

/** For people: what exports a finished run. */
export function exportCommand(folder: string, { format, dtype }: ExportTarget): string {
  return `claq export ${folder} --to ${format}${dtype === 'source' ? '' : ` --dtype ${dtype}`}`;
}

/**
 * Writes an export, checks it, and gives it its name. Needs a started engine, for the perplexity. Throws as exportModel does, and
 * what the format throws for a model that it cannot hold.
 */
export async function writeExport(
  source: ExportSource,
  outFolder: string,
  target: ExportTarget,
  hooks: RunHooks,
): Promise<ExportResult> {
  const start = performance.now();
  const { checkpoint } = source;
  const sourceName = basename(checkpoint.path, '.gguf');
  const chosen = await exportFormat(source, target, sourceName);
  const card = await sourceCard(checkpoint.companions);
  const made = await exportModel<ComparedPerplexity>({
    format: chosen.format,
    outFolder,
    identity: exportIdentity(source, target),
    comparePerplexity: (folder, rounded) =>
      comparePerplexity({ checkpoint, replacements: source, written: chosen.opened(folder), rounded }, hooks),
    card: (perplexity) =>
      modelCard({
        target,
        sourceName,
        quantizedBefore: checkpoint.quantized,
        source: card,
        record: source.record,
        perplexity,
        program: programName(),
      }),
    onProgress: hooks.onProgress,
    onNote: hooks.onNote,
    signal: hooks.signal,
  });
  const { files, fileBytes: bytes, tensors, maxRounding, perplexity } = made;
  const seconds = (performance.now() - start) / 1000;
  return { files, bytes, seconds, check: { tensors, maxRounding, perplexity } };
}

/**
 * `claq export RUN`. What is written inside of a run's folder is written under its lock, and the record names what lies in a folder
 * of its own choice. The engine that compares perplexities is the one that comes with the program: it may run beside a quantization.
 *
 * @throws ClaqError request/invalid where there is nothing quantized, output/exported-already, output/in-use, and as writeExport does
 */
export async function exportQuantized(request: ExportRequest, hooks: RunHooks = {}): Promise<ExportSummary> {
  const start = performance.now();
  const { source: path, out, target } = validRequest(exportRequestSchema, request);
  const folder = exportFolder(path, target, out);
  if (out === undefined) await refuseExported(folder);
  const source = await openExportSource(path, hooks);
  try {
    const lock = isInside(source.folder, folder) ? await lockFolder(source.folder) : undefined;
    try {
      const engine = await startEngine({ engine: 'wasm' });
      try {
        const made = await writeExport(source, folder, target, hooks);
        if (out === undefined && source.record !== undefined) await recordExport(source.folder, target, made);
        return {
          source: source.folder,
          folder,
          target,
          ...made,
          seconds: (performance.now() - start) / 1000,
        };
      } finally {
        await engine.stop();
      }
    } finally {
      await lock?.release();
    }
  } finally {
    await source.close();
  }
}

/** Where an export of `source`, a folder, goes: the one that was chosen, or one in the source's own. Absolute. */
export function exportFolder(source: string, target: ExportTarget, chosen: string | undefined): string {
  return resolve(chosen ?? join(source, exportFolderName(target)));
}

function isInside(outer: string, folder: string): boolean {
  const path = relative(outer, folder);
  return !isAbsolute(path) && path.split(sep)[0] !== '..';
}

/** Before the model is read, which takes a while. */
async function refuseExported(folder: string): Promise<void> {
  const entries = await readdir(folder).catch((error: unknown) => {
    // ENOTDIR: the source is a file, which is told when it is opened.
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return [];
    throw error;
  });
  if (entries.length === 0) return;
  throw new ClaqError('output/exported-already', 'This export is there already', {
    where: folder,
    expected: 'a folder that is empty or does not exist yet',
    found: `${entries.length} files`,
    remedy: 'use what is there, or name another folder with --out',
  });
}

/** Reads the record again: it may have changed before the lock was taken. */
async function recordExport(runFolder: string, target: ExportTarget, made: ExportResult): Promise<void> {
  const record = await readRunRecord(runFolder);
  if (record === undefined) return;
  await writeRunFile(runFolder, { ...record, exports: withExport(record.exports, target, made) });
}

/** The exports of a record with one more, in the place of an earlier one of its target. */
export function withExport(
  exports: readonly ExportRecord[],
  target: ExportTarget,
  made: ExportResult,
): ExportRecord[] {
  const others = exports.filter((each) => !isSameTarget(each.target, target));
  return [...others, { ...made, target, madeAt: new Date().toISOString() }];
}

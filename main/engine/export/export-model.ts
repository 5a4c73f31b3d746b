/**
 * The way of every export: written beside its target, file by file; opened again and compared, tensor by tensor; a perplexity compared;
 * summed up in SHA256SUMS; and only then given its name. What fails keeps nothing under that name.
 */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import { readableBytes } from '../../../shared/readable-quantities.ts';
import { outputErrors, writeTextAtomically } from '../checkpoint/atomic-file.ts';
import { hashFile } from '../checkpoint/file-hash.ts';
import { verifyChecksums, writeChecksums } from './checksums-file.ts';
import type { CheckHooks, ExportFormat, PlannedFile, TensorReport } from './export-format.ts';
import { PartialExport, refuseUsedFolder } from './partial-export.ts';

/** Tokenizer, card and sums, beside the planned files. */
const SPARE_BYTES = 64 * 2 ** 20;

export const CARD_FILE = 'README.md';

export interface ModelExport<Perplexity> {
  readonly format: ExportFormat;
  /** Does not exist yet, or is an empty folder. */
  readonly outFolder: string;
  /** Whatever decides the bytes of the files: a later export of the same identity goes on behind what this one finished. */
  readonly identity: string;
  /**
   * Compares a perplexity of the written model with what it should be. Throws ClaqError output/verification-failed.
   * @param rounded whether any value is another than the one that was exported
   */
  comparePerplexity(folder: string, rounded: boolean): Promise<Perplexity>;
  /** Text of README.md. */
  card(perplexity: Perplexity): string;
  readonly onProgress?: OnProgress | undefined;
  readonly onNote?: ((line: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ExportReport<Perplexity> extends TensorReport {
  readonly files: number;
  /** Of all files. */
  readonly fileBytes: number;
  readonly perplexity: Perplexity;
}

/**
 * Writes and verifies an export. Throws ClaqError output/not-empty, output/in-use, output/disk-full, output/not-writable,
 * output/verification-failed, weights/*, run/cancelled. One that was cancelled leaves its whole files in a hidden folder beside the
 * target, for the next; whatever else fails leaves nothing.
 */
export async function exportModel<Perplexity>(
  request: ModelExport<Perplexity>,
): Promise<ExportReport<Perplexity>> {
  const outFolder = resolve(request.outFolder);
  await refuseUsedFolder(outFolder);
  await outputErrors(outFolder, () => mkdir(dirname(outFolder), { recursive: true }));
  const partial = await PartialExport.open(outFolder, request.identity);
  try {
    await writeFiles(request, partial);
    await request.format.writeSmallFiles(partial.folder);
    const tensors = await request.format.verify(partial.folder, request);
    const perplexity = await request.comparePerplexity(partial.folder, tensors.maxRounding > 0);
    await writeTextAtomically(join(partial.folder, CARD_FILE), request.card(perplexity));
    const files = await sumUp(partial, request);
    await partial.takeName();
    return { ...tensors, ...files, perplexity };
  } catch (error) {
    if (error instanceof ClaqError && error.code === 'run/cancelled') await partial.leave();
    else await partial.remove();
    throw error;
  }
}

async function writeFiles<Perplexity>(
  { format, onProgress, onNote, signal }: ModelExport<Perplexity>,
  partial: PartialExport,
): Promise<void> {
  const kept = new Set<PlannedFile>();
  for (const file of format.files) if (await partial.has(file.name)) kept.add(file);
  if (kept.size > 0) {
    onNote?.(
      `Going on with an earlier export: ${kept.size} of ${format.files.length} weights files are there`,
    );
  }
  const missing = format.files.filter((file) => !kept.has(file));
  await requireFreeSpace(partial.folder, missing);
  const total = format.files.reduce((sum, { tensors }) => sum + tensors, 0);
  let done = [...kept].reduce((sum, { tensors }) => sum + tensors, 0);
  const phase = 'Writing the model';
  for (const file of missing) {
    await file.write(partial.folder, (name) => {
      throwIfCancelled(signal, 'export');
      onProgress?.({ phase, done, total, unit: 'tensors', detail: name });
      done += 1;
    });
    await partial.finished(file.name, () => throwIfCancelled(signal, 'export'));
    throwIfCancelled(signal, 'export');
  }
  onProgress?.({ phase, done: total, total, unit: 'tensors' });
}

async function requireFreeSpace(folder: string, files: readonly PlannedFile[]): Promise<void> {
  const needed = SPARE_BYTES + files.reduce((sum, { bytes }) => sum + bytes, 0);
  const { bavail, bsize } = await outputErrors(folder, () => statfs(folder));
  const free = bavail * bsize;
  if (free >= needed) return;
  throw new ClaqError('output/disk-full', 'The export does not fit on the disk', {
    where: folder,
    expected: `${readableBytes(needed)} free`,
    found: `${readableBytes(free)} free`,
    remedy: 'free some space or choose a folder on another disk',
  });
}

/** Writes the list of sums, and reads everything once more to see that it holds. */
async function sumUp(
  partial: PartialExport,
  { onProgress, signal }: CheckHooks,
): Promise<{ files: number; fileBytes: number }> {
  const { folder } = partial;
  const names = await partial.names();
  const sums = new Map<string, string>();
  let total = 0;
  for (const name of names) {
    sums.set(name, partial.sumOf(name) ?? (await hashFile(join(folder, name))));
    total += (await stat(join(folder, name))).size;
  }
  await writeChecksums(folder, sums);
  let done = 0;
  const onBytes = (bytes: number): void => {
    done += bytes;
    onProgress?.({ phase: 'Checking the files', done, total, unit: 'bytes' });
  };
  await verifyChecksums(folder, onBytes, signal);
  return { files: names.length + 1, fileBytes: total };
}

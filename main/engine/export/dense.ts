/**
 * The dense export: a Hugging Face folder like the source's, with the dequantized matrices in the place of the original ones.
 * It is written into a folder beside the target, read back and compared, and only then takes the target's name.
 */
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import type { OnProgress } from '../../../shared/progress.ts';
import { outputErrors, syncFolder, writeTextAtomically } from '../checkpoint/atomic-file.ts';
import type { OpenForWriting } from '../checkpoint/atomic-file.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { encodeFloats } from '../checkpoint/half-precision.ts';
import { INDEX_FILE, readConfigText } from '../checkpoint/model-folder.ts';
import { bytesPerElement, elementCount } from '../checkpoint/safetensors-dtype.ts';
import { writeSafetensors } from '../checkpoint/safetensors-writer.ts';
import type { TensorToWrite } from '../checkpoint/safetensors-writer.ts';
import { denseConfig, isCompanion, shardIndex } from './dense-config.ts';
import { quantizedNames, stopIfCancelled, targetDtype, tensorPieces } from './dense-tensors.ts';
import type { DenseDtype, QuantizedMatrix } from './dense-tensors.ts';
import { verifyDense } from './verify.ts';
import type { DenseReport } from './verify.ts';

export interface DenseExport {
  readonly checkpoint: Checkpoint;
  /** Does not exist yet, or is an empty folder. */
  readonly outFolder: string;
  readonly dtype: DenseDtype;
  /** Asked twice for each matrix of each block: for the writing and for the check after it. */
  readonly quantized: QuantizedMatrix;
  readonly onProgress?: OnProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** How the weights files are opened; given only to write on a device that is full. */
  readonly openTemporary?: OpenForWriting;
}

/** Bytes of an extra tensor that are copied at a time. */
const COPY_BYTES = 32 * 2 ** 20;

/** Transformers refuses safetensors files whose metadata does not name a framework. */
const METADATA: ReadonlyMap<string, string> = new Map([['format', 'pt']]);

/**
 * Writes and verifies the folder. Throws ClaqError output/not-empty, output/disk-full, output/not-writable,
 * output/verification-failed, weights/out-of-range, run/cancelled; then nothing of it is left.
 */
export async function exportDense(request: DenseExport): Promise<DenseReport> {
  const outFolder = resolve(request.outFolder);
  await refuseUsedFolder(outFolder);
  const parent = dirname(outFolder);
  const temporary = join(parent, `.${basename(outFolder)}.${randomUUID()}.partial`);
  await outputErrors(outFolder, () => mkdir(temporary, { recursive: true }));
  try {
    await writeFolder(request, temporary);
    const report = await verifyDense({ ...request, folder: temporary });
    await takeName(temporary, outFolder);
    await syncFolder(parent);
    return report;
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

async function writeFolder(request: DenseExport, folder: string): Promise<void> {
  const { checkpoint, dtype } = request;
  const withProgress = followed(request);
  const options = { metadata: METADATA, openTemporary: request.openTemporary };
  const matrices = quantizedNames(checkpoint.model);
  let totalSize = 0;
  for (const { file, names } of checkpoint.shards) {
    const tensors = names.map((name) => plannedTensor(request, name, matrices.has(name)));
    for (const planned of tensors)
      totalSize += (elementCount(planned.shape) ?? 0) * bytesPerElement(planned.dtype);
    await writeSafetensors(join(folder, file), tensors.map(withProgress), options);
  }
  const config = denseConfig(await readConfigText(checkpoint.folder), checkpoint, dtype);
  await writeTextAtomically(join(folder, 'config.json'), config);
  if (checkpoint.sharded) {
    await writeTextAtomically(join(folder, INDEX_FILE), shardIndex(checkpoint, totalSize));
  }
  await copyCompanions(checkpoint.folder, folder);
}

/** Reports each tensor when its turn comes, and stops there once the export is cancelled. */
function followed({ checkpoint, onProgress, signal }: DenseExport): (tensor: TensorToWrite) => TensorToWrite {
  const total = checkpoint.tensors.size + checkpoint.extras.size;
  let done = 0;
  return (tensor) => ({
    ...tensor,
    pieces: async function* () {
      stopIfCancelled(signal);
      onProgress?.({ phase: 'Writing the model', done, total, unit: 'tensors', detail: tensor.name });
      yield* tensor.pieces();
      done++;
      if (done === total) onProgress?.({ phase: 'Writing the model', done, total, unit: 'tensors' });
    },
  });
}

async function copyCompanions(from: string, to: string): Promise<void> {
  const files = (await readdir(from)).filter(isCompanion);
  for (const name of files) {
    if (!(await stat(join(from, name))).isFile()) continue;
    await outputErrors(join(to, name), async () => {
      await copyFile(join(from, name), join(to, name));
      // A read-only source shall not make a read-only export.
      await chmod(join(to, name), 0o644);
    });
  }
}

function plannedTensor(
  { checkpoint, dtype, quantized }: DenseExport,
  name: string,
  isMatrix: boolean,
): TensorToWrite {
  const entry = checkpoint.tensors.get(name);
  if (entry === undefined) return copiedTensor(checkpoint, name);
  const target = targetDtype(entry, dtype);
  return {
    name,
    dtype: target,
    shape: entry.shape,
    pieces: async function* () {
      const matrix = isMatrix ? await quantized(name) : undefined;
      for await (const { values } of tensorPieces(checkpoint, entry, target, matrix))
        yield encodeFloats(target, values);
    },
  };
}

/** A tensor that the computation does not use keeps its bytes, whatever they mean. */
function copiedTensor(checkpoint: Checkpoint, name: string): TensorToWrite {
  const extra = checkpoint.extras.get(name);
  if (extra === undefined) throw new RangeError(`${name} stands in a shard and not among the tensors`);
  const { dtype, shape } = extra;
  const bytes = (elementCount(shape) ?? 0) * bytesPerElement(dtype);
  return {
    name,
    dtype,
    shape,
    pieces: async function* () {
      for (let from = 0; from < bytes; from += COPY_BYTES) {
        yield await checkpoint.readBytes(name, from, Math.min(bytes, from + COPY_BYTES));
      }
    },
  };
}

async function refuseUsedFolder(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return;
    throw new ClaqError('output/not-writable', 'The output folder cannot be used', {
      where: folder,
      expected: 'a folder that is empty or does not exist yet',
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'choose another folder',
      cause,
    });
  }
  if (names.length > 0) throw notEmpty(folder, names);
}

/** An empty folder in the target's place is removed first: Windows does not rename over it. */
async function takeName(temporary: string, outFolder: string): Promise<void> {
  await refuseUsedFolder(outFolder);
  await outputErrors(outFolder, async () => {
    await rmdir(outFolder).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    });
    await rename(temporary, outFolder);
  });
}

function notEmpty(folder: string, names: readonly string[]): ClaqError {
  return new ClaqError('output/not-empty', 'The output folder is not empty', {
    where: folder,
    expected: 'a folder that is empty or does not exist yet',
    found: names.slice(0, 3).join(', ') + (names.length > 3 ? `, ... (${names.length} entries)` : ''),
    remedy: 'choose another folder or empty this one',
  });
}

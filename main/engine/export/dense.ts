/** The dense format: a Hugging Face folder like the source's, with the dequantized matrices in the place of the original ones. */
import { join } from 'node:path';
import { writeTextAtomically } from '../checkpoint/atomic-file.ts';
import type { OpenForWriting } from '../checkpoint/atomic-file.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CONFIG_FILE, companionText } from '../checkpoint/companion-files.ts';
import { INDEX_FILE } from '../checkpoint/model-folder.ts';
import { bytesPerElement, elementCount } from '../checkpoint/safetensors-dtype.ts';
import { writeSafetensors } from '../checkpoint/safetensors-writer.ts';
import type { TensorToWrite } from '../checkpoint/safetensors-writer.ts';
import { copyCompanions } from './copy-companions.ts';
import { denseConfig, shardIndex } from './dense-config.ts';
import { quantizedNames, replacementOf, targetDtype } from './dense-tensors.ts';
import type { DenseDtype, Replacements } from './dense-tensors.ts';
import { encodedPieces } from './encoded-pieces.ts';
import type { ExportFormat, OnTensor, PlannedFile } from './export-format.ts';
import { type ExportShard, exportShards, isSharded } from './export-shards.ts';
import { verifyDense } from './verify-dense.ts';

/** Matrices are asked for twice: for the writing and for the check after it. */
export interface DenseExport extends Replacements {
  readonly checkpoint: Checkpoint;
  readonly dtype: DenseDtype;
  /** How the weights files are opened; given only to write on a device that is full. */
  readonly openTemporary?: OpenForWriting;
}

/** Bytes that are copied at a time. */
const COPY_BYTES = 4 * 2 ** 20;

/** Transformers refuses safetensors files whose metadata does not name a framework. */
const METADATA: ReadonlyMap<string, string> = new Map([['format', 'pt']]);

export function denseFormat(request: DenseExport): ExportFormat {
  const { checkpoint, dtype } = request;
  const shards = exportShards(checkpoint);
  return {
    files: shards.map((shard) => shardFile(request, shard)),
    writeSmallFiles: async (folder) => {
      const source = (await companionText(checkpoint.companions, CONFIG_FILE)) ?? '';
      await writeTextAtomically(join(folder, CONFIG_FILE), denseConfig(source, checkpoint, dtype));
      if (isSharded(checkpoint)) {
        const bytes = shards.reduce((sum, shard) => sum + shardBytes(request, shard), 0);
        await writeTextAtomically(join(folder, INDEX_FILE), shardIndex(shards, bytes));
      }
      await copyCompanions(checkpoint.companions, folder);
    },
    verify: (folder, hooks) => verifyDense({ ...request, ...hooks, folder }),
  };
}

function shardFile(request: DenseExport, shard: ExportShard): PlannedFile {
  const matrices = quantizedNames(request.checkpoint.model);
  return {
    name: shard.file,
    bytes: shardBytes(request, shard),
    tensors: shard.names.length,
    write: async (folder, onTensor) => {
      const tensors = shard.names.map((name) => plannedTensor(request, name, matrices.has(name)));
      const options = { metadata: METADATA, openTemporary: request.openTemporary };
      await writeSafetensors(join(folder, shard.file), tensors.map(announced(onTensor)), options);
    },
  };
}

/** Told of each tensor when its turn comes. */
function announced(onTensor: OnTensor): (tensor: TensorToWrite) => TensorToWrite {
  return (tensor) => ({
    ...tensor,
    pieces: async function* () {
      onTensor(tensor.name);
      yield* tensor.pieces();
    },
  });
}

/** Of the tensors, the header not counted. */
function shardBytes(request: DenseExport, { names }: ExportShard): number {
  const { tensors, extras } = request.checkpoint;
  return names.reduce((sum, name) => {
    const entry = tensors.get(name);
    const dtype = entry === undefined ? extras.get(name)?.dtype : targetDtype(entry, request.dtype);
    const shape = entry?.shape ?? extras.get(name)?.shape ?? [];
    return sum + (dtype === undefined ? 0 : (elementCount(shape) ?? 0) * bytesPerElement(dtype));
  }, 0);
}

function plannedTensor(request: DenseExport, name: string, isMatrix: boolean): TensorToWrite {
  const { checkpoint, dtype } = request;
  const entry = checkpoint.tensors.get(name) ?? checkpoint.extras.get(name);
  if (entry === undefined) throw new RangeError(`${name} stands in a shard and not among the tensors`);
  const needed = checkpoint.tensors.get(name);
  // What is neither quantized nor rounded keeps its bytes, and so does what the computation does not use, whatever that means.
  const target = needed === undefined ? entry.dtype : targetDtype(needed, dtype);
  if (needed === undefined || (!isMatrix && target === entry.dtype)) return copiedTensor(checkpoint, entry);
  const rounded = targetDtype(needed, dtype);
  return {
    name,
    dtype: rounded,
    shape: needed.shape,
    pieces: async function* () {
      const replacement = isMatrix ? await replacementOf(request, name) : undefined;
      for await (const { bytes } of encodedPieces(checkpoint, needed, rounded, replacement)) yield bytes;
    },
  };
}

function copiedTensor(
  checkpoint: Checkpoint,
  { name, dtype, shape }: Pick<TensorToWrite, 'name' | 'dtype' | 'shape'>,
): TensorToWrite {
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

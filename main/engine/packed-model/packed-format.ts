/**
 * The packed format: the arrays of a run's matrices, copied as they are, the source's other tensors, and a checksum of each; with a
 * loader for transformers. docs/packed-format.md has it byte by byte.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TENSOR_NAMES } from '../../../shared/model.ts';
import { writeTextAtomically } from '../checkpoint/atomic-file.ts';
import type { OpenForWriting } from '../checkpoint/atomic-file.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { CONFIG_FILE, companionText } from '../checkpoint/companion-files.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import { INDEX_FILE } from '../checkpoint/model-folder.ts';
import { copyCompanions } from '../export/copy-companions.ts';
import { shardIndex } from '../export/dense-config.ts';
import { type Replacements, targetDtype } from '../export/dense-tensors.ts';
import type { ExportFormat, OnTensor } from '../export/export-format.ts';
import { isSharded } from '../export/export-shards.ts';
import { writeWithChecksums } from './checksums.ts';
import { plannedBytes } from './packed-bytes.ts';
import { LOADER_FILE, packedConfig } from './packed-config.ts';
import {
  type MatrixFileOf,
  PACKED_METADATA,
  type PackedLayout,
  type PackedShard,
  planPacked,
} from './packed-layout.ts';
import { verifyPacked } from './verify-packed.ts';

/** The matrices are the run's, which the written ones are compared with. */
export interface PackedExport extends Replacements {
  /** The model that was quantized. */
  readonly checkpoint: Checkpoint;
  /** The run's file of a matrix, by its tensor's name (`model.layers.0.self_attn.q_proj.weight`). */
  readonly matrixFile: MatrixFileOf;
  /** What writes, for people: `claq 0.1.0`. */
  readonly program: string;
  /** How the weights files are opened; given only to write on a device that is full. */
  readonly openTemporary?: OpenForWriting;
}

/** Reads the headers of the run's files. Throws ClaqError result/malformed. */
export async function packedFormat(request: PackedExport): Promise<ExportFormat> {
  const layout = await planPacked(request.checkpoint, request.matrixFile);
  return {
    files: layout.shards.map((shard) => ({
      name: shard.file,
      bytes: shard.bytes,
      tensors: shard.tensors.length,
      write: (folder, onTensor) => writePackedShard(request, shard, folder, onTensor),
    })),
    writeSmallFiles: (folder) => writeSmallFiles(request, layout, folder),
    verify: (folder, hooks) => verifyPacked({ ...request, ...hooks, layout, folder }),
  };
}

async function writePackedShard(
  { checkpoint, openTemporary }: PackedExport,
  { file, tensors }: PackedShard,
  folder: string,
  onTensor: OnTensor,
): Promise<void> {
  const toWrite = tensors.map((tensor) => ({
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    pieces: async function* () {
      onTensor(tensor.name);
      yield* plannedBytes(checkpoint, tensor);
    },
  }));
  await writeWithChecksums(join(folder, file), toWrite, { metadata: PACKED_METADATA, openTemporary });
}

async function writeSmallFiles(
  { checkpoint, program }: PackedExport,
  { shards, matrices }: PackedLayout,
  folder: string,
): Promise<void> {
  const source = (await companionText(checkpoint.companions, CONFIG_FILE)) ?? '';
  const dtype = embeddingDtype(checkpoint);
  const config = packedConfig({ source, dtype, program, matrices });
  await writeTextAtomically(join(folder, CONFIG_FILE), config);
  if (isSharded(checkpoint)) {
    const named = shards.map(({ file, tensors }) => ({ file, names: tensors.map(({ name }) => name) }));
    const bytes = shards.flatMap(({ tensors }) => tensors).reduce((sum, tensor) => sum + tensor.bytes, 0);
    await writeTextAtomically(join(folder, INDEX_FILE), shardIndex(named, bytes));
  }
  await writeTextAtomically(join(folder, LOADER_FILE), await loaderText());
  await copyCompanions(checkpoint.companions, folder);
}

/** It is never quantized. */
function embeddingDtype({ tensors }: Checkpoint): FloatDtype {
  const entry = tensors.get(TENSOR_NAMES.embedding);
  return entry === undefined ? 'F16' : targetDtype(entry, 'source');
}

/** The loader lies beside this module, in the sources and in the built app. */
export async function loaderText(): Promise<string> {
  return await readFile(new URL(`./${LOADER_FILE}`, import.meta.url), 'utf8');
}

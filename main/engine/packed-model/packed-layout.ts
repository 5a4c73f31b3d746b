/** What stands where in a packed model: decided from the headers of a run's files and of its source, before anything is copied. */
import { CHECKSUM_BYTES, type KeptTensors } from '../../../shared/model-bytes.ts';
import type { Checkpoint, Shard } from '../checkpoint/checkpoint.ts';
import { type StoredDtype, bytesPerElement, elementCount } from '../checkpoint/safetensors-dtype.ts';
import { openSafetensors } from '../checkpoint/safetensors-file.ts';
import { encodeHeader } from '../checkpoint/safetensors-writer.ts';
import { quantizedNames, targetDtype } from '../export/dense-tensors.ts';
import { exportShards } from '../export/export-shards.ts';
import { matrixFormOf } from '../result/matrix-file.ts';
import { checksumsEntry } from './checksums.ts';
import { arrayName, arraysOf } from './matrix-arrays.ts';
import { type DescribedMatrix, PACKED_VERSION } from './packed-config.ts';

/** Where the bytes of an array stand in a run's file. */
export interface CopiedArray {
  readonly path: string;
  readonly position: number;
  readonly bytes: number;
}

/** A tensor of a packed model: an array of a matrix, or a tensor of the source. */
export interface PlannedTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly array?: CopiedArray;
}

export interface PackedShard {
  readonly file: string;
  /** In the order of the file; the checksums come behind them. */
  readonly tensors: readonly PlannedTensor[];
  /** Size of the file. */
  readonly bytes: number;
}

export interface PackedLayout {
  readonly shards: readonly PackedShard[];
  /** By the module's name, in the order of the computation. */
  readonly matrices: ReadonlyMap<string, DescribedMatrix>;
}

/** Path of the run's file of a matrix, by its tensor's name; undefined where the checkpoint's tensor stays as it is. */
export type MatrixFileOf = (tensorName: string) => string | undefined;

/** Transformers refuses safetensors files whose metadata does not name a framework. */
export const PACKED_METADATA: ReadonlyMap<string, string> = new Map([
  ['format', 'pt'],
  ['claq', String(PACKED_VERSION)],
]);

interface FoundMatrix {
  readonly described: DescribedMatrix;
  readonly tensors: readonly PlannedTensor[];
}

/** Reads the headers of all matrix files. Throws ClaqError result/malformed. */
export async function planPacked(checkpoint: Checkpoint, matrixFile: MatrixFileOf): Promise<PackedLayout> {
  const found = new Map<string, FoundMatrix>();
  const matrices = new Map<string, DescribedMatrix>();
  for (const tensorName of quantizedNames(checkpoint.model)) {
    const path = matrixFile(tensorName);
    if (path === undefined) continue;
    const name = tensorName.slice(0, -'.weight'.length);
    const matrix = await findArrays(name, path);
    found.set(tensorName, matrix);
    matrices.set(name, matrix.described);
  }
  const shards = exportShards(checkpoint).map((shard) => planShard(checkpoint, shard, found));
  return { shards, matrices };
}

async function findArrays(matrix: string, path: string): Promise<FoundMatrix> {
  const file = await openSafetensors(path, { code: 'result/malformed', remedy: 'quantize the model again' });
  try {
    const { tensors, metadata } = file.header;
    const { form } = matrixFormOf(metadata, [...tensors.keys()], path);
    const planned = arraysOf(form).flatMap((array): PlannedTensor[] => {
      const stored = tensors.get(array);
      if (stored === undefined) return [];
      const { dtype, shape, bytes, position } = stored;
      return [{ name: arrayName(matrix, array), dtype, shape, bytes, array: { path, position, bytes } }];
    });
    const arrays = planned.map(({ name, shape }) => [name.slice(matrix.length + 1), shape] as const);
    return { described: { ...form, arrays: Object.fromEntries(arrays) }, tensors: planned };
  } finally {
    await file.close();
  }
}

function planShard(
  checkpoint: Checkpoint,
  { file, names }: Shard,
  found: ReadonlyMap<string, FoundMatrix>,
): PackedShard {
  const tensors = names
    .flatMap((name) => found.get(name)?.tensors ?? [keptTensor(checkpoint, name)])
    // Wider elements first, so that all are aligned; the sort is stable.
    .sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const header = encodeHeader([...tensors, checksumsEntry(tensors.length)], PACKED_METADATA);
  return { file, tensors, bytes: header.length + tensorBytes(tensors) };
}

/** What stays as it is where all matrices are quantized, by the source's headers alone. */
export function keptTensors(checkpoint: Checkpoint): KeptTensors {
  const quantized = quantizedNames(checkpoint.model);
  const shards = exportShards(checkpoint);
  const names = shards.flatMap((shard) => shard.names.filter((name) => !quantized.has(name)));
  const bytes = names.reduce((sum, name) => sum + keptTensor(checkpoint, name).bytes, 0);
  return { bytes, tensors: names.length, files: shards.length };
}

/** What stays as it is keeps its dtype; of a source that was decoded from codes, the dtype that it had before them. */
function keptTensor({ tensors, extras }: Checkpoint, name: string): PlannedTensor {
  const entry = tensors.get(name);
  const stored = entry ?? extras.get(name);
  if (stored === undefined) throw new RangeError(`${name} stands in a shard and not among the tensors`);
  const dtype = entry === undefined ? stored.dtype : targetDtype(entry, 'source');
  const { shape } = stored;
  return { name, dtype, shape, bytes: (elementCount(shape) ?? 0) * bytesPerElement(dtype) };
}

/** Bytes of a shard's tensors with their checksums: what counts as stored. */
export function tensorBytes(tensors: readonly PlannedTensor[]): number {
  return tensors.reduce((sum, { bytes }) => sum + bytes, CHECKSUM_BYTES * (1 + tensors.length));
}

/** The check after a dense export: the written folder is opened like any model and compared with what it should hold, bit by bit. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { bfloatBits } from '../checkpoint/half-precision.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { bytesPerElement, elementCount, shapeText } from '../checkpoint/safetensors-dtype.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import {
  encodedMatrix,
  positionText,
  quantizedNames,
  readPiece,
  targetDtype,
  tensorPieces,
} from './dense-tensors.ts';
import type { DenseDtype, EncodedMatrixOf, QuantizedMatrix } from './dense-tensors.ts';
import type { CheckHooks, TensorReport } from './export-format.ts';
import { exportShards, isSharded } from './export-shards.ts';

export interface DenseVerification extends CheckHooks {
  /** The source of what was not quantized. */
  readonly checkpoint: Checkpoint;
  /** The written folder. */
  readonly folder: string;
  readonly dtype: DenseDtype;
  readonly quantized: QuantizedMatrix;
  readonly encoded?: EncodedMatrixOf | undefined;
}

/** Bytes that are compared at a time. */
const COMPARE_BYTES = 32 * 2 ** 20;

/** Throws ClaqError output/verification-failed at the first tensor and position that differs, run/cancelled. */
export async function verifyDense(request: DenseVerification): Promise<TensorReport> {
  const { checkpoint, folder, onProgress, signal } = request;
  const written = await reopen(folder);
  try {
    compareLayout(checkpoint, written, request.dtype);
    const total = checkpoint.tensors.size + checkpoint.extras.size;
    const matrices = quantizedNames(checkpoint.model);
    let done = 0;
    let bytes = 0;
    let maxRounding = 0;
    for (const name of checkpoint.shards.flatMap((shard) => shard.names)) {
      throwIfCancelled(signal, 'export');
      onProgress?.({ phase: 'Checking the written model', done, total, unit: 'tensors', detail: name });
      const entry = checkpoint.tensors.get(name);
      if (entry === undefined) {
        bytes += await compareBytes(checkpoint, written, name);
      } else {
        const rounding = await compareTensor(request, written, entry, matrices.has(name));
        maxRounding = Math.max(maxRounding, rounding);
        bytes += (elementCount(entry.shape) ?? 0) * bytesPerElement(targetDtype(entry, request.dtype));
      }
      done++;
    }
    onProgress?.({ phase: 'Checking the written model', done, total, unit: 'tensors' });
    return { tensors: total, bytes, maxRounding };
  } finally {
    await written.close();
  }
}

async function reopen(folder: string): Promise<Checkpoint> {
  try {
    return await openCheckpoint(folder);
  } catch (cause) {
    throw new ClaqError('output/verification-failed', 'The written model cannot be opened', {
      where: cause instanceof ClaqError && cause.where !== undefined ? cause.where : folder,
      found: cause instanceof Error ? cause.message : String(cause),
      remedy: 'check the disk and run the export again',
      cause,
    });
  }
}

/** Same description, same shards with the same tensors in the same order, each of the shape and dtype asked for. */
function compareLayout(checkpoint: Checkpoint, written: Checkpoint, dtype: DenseDtype): void {
  const shards = exportShards(checkpoint);
  const fileOf = new Map(shards.flatMap(({ file, names }) => names.map((name) => [name, file])));
  const parts: [string, unknown, unknown][] = [
    ['config.json', checkpoint.model, written.model],
    ['the shards', shards, written.shards],
    ['the index', isSharded(checkpoint), written.sharded],
    ...[...checkpoint.tensors.values()].map((entry): [string, unknown, unknown] => [
      entry.name,
      {
        name: entry.name,
        dtype: targetDtype(entry, dtype),
        shape: entry.shape,
        file: fileOf.get(entry.name),
      },
      written.tensors.get(entry.name),
    ]),
    ...[...checkpoint.extras.values()].map((extra): [string, unknown, unknown] => [
      extra.name,
      { ...extra, file: fileOf.get(extra.name) },
      written.extras.get(extra.name),
    ]),
  ];
  for (const [part, expected, found] of parts) {
    const [wanted, got] = [JSON.stringify(expected), found === undefined ? 'nothing' : JSON.stringify(found)];
    if (wanted !== got) throw mismatch(`${written.folder}, ${part}`, wanted.slice(0, 200), got.slice(0, 200));
  }
}

/** Whole where that is quick; where the bytes are others, value by value, which tells the first that differs. Returns the largest rounding. */
async function compareTensor(
  request: DenseVerification,
  written: Checkpoint,
  entry: TensorEntry,
  isMatrix: boolean,
): Promise<number> {
  const { name } = entry;
  const target = targetDtype(entry, request.dtype);
  const bytes = (elementCount(entry.shape) ?? 0) * bytesPerElement(target);
  if (isMatrix) {
    const quick = await encodedMatrix(request.encoded, entry, target);
    if (quick !== undefined && areEqual(quick.bytes, await written.readBytes(name, 0, bytes))) {
      return quick.maxRounding;
    }
  } else if (target === entry.dtype && (await hasSameBytes(request.checkpoint, written, name, bytes))) {
    return 0;
  }
  return await compareFloats(request, written, entry, isMatrix ? await request.quantized(name) : undefined);
}

async function hasSameBytes(
  checkpoint: Checkpoint,
  written: Checkpoint,
  name: string,
  bytes: number,
): Promise<boolean> {
  for (let from = 0; from < bytes; from += COMPARE_BYTES) {
    const to = Math.min(bytes, from + COMPARE_BYTES);
    const [wanted, found] = [
      await checkpoint.readBytes(name, from, to),
      await written.readBytes(name, from, to),
    ];
    if (!areEqual(wanted, found)) return false;
  }
  return true;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

/** Returns the largest rounding. */
async function compareFloats(
  { checkpoint, dtype }: DenseVerification,
  written: Checkpoint,
  entry: TensorEntry,
  matrix: Float32Array | undefined,
): Promise<number> {
  const target = targetDtype(entry, dtype);
  let maxRounding = 0;
  for await (const { from, to, values } of tensorPieces(checkpoint, entry, target, matrix)) {
    const stored = await readPiece(written, entry, from, to);
    const rounded = roundedTo(target, values);
    for (let i = 0; i < rounded.length; i++) {
      const wanted = rounded[i] ?? 0;
      const found = stored[i] ?? 0;
      // Object.is tells -0 from 0.
      if (!Object.is(wanted, found)) {
        const position = positionText(entry.shape, from, i);
        throw mismatch(
          `${written.folder}, tensor ${entry.name}, ${position}`,
          numberText(wanted),
          numberText(found),
        );
      }
      const rounding = Math.abs(wanted - (values[i] ?? 0));
      if (rounding > maxRounding) maxRounding = rounding;
    }
  }
  return maxRounding;
}

/** Returns the number of bytes. */
async function compareBytes(checkpoint: Checkpoint, written: Checkpoint, name: string): Promise<number> {
  const extra = checkpoint.extras.get(name);
  const bytes = extra === undefined ? 0 : (elementCount(extra.shape) ?? 0) * bytesPerElement(extra.dtype);
  for (let from = 0; from < bytes; from += COMPARE_BYTES) {
    const to = Math.min(bytes, from + COMPARE_BYTES);
    const [wanted, found] = [
      await checkpoint.readBytes(name, from, to),
      await written.readBytes(name, from, to),
    ];
    const differs = wanted.findIndex((byte, i) => byte !== found[i]);
    if (differs >= 0) {
      throw mismatch(
        `${written.folder}, tensor ${name}, byte ${shapeText([from + differs])}`,
        String(wanted[differs]),
        String(found[differs]),
      );
    }
  }
  return bytes;
}

/** The values as `dtype` holds them. */
function roundedTo(dtype: FloatDtype, values: Float32Array): Float32Array {
  if (dtype === 'F32') return values;
  if (dtype === 'F16') return new Float32Array(new Float16Array(values));
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const rounded = new Uint32Array(values.length);
  for (let i = 0; i < bits.length; i++) rounded[i] = bfloatBits(bits[i] ?? 0) << 16;
  return new Float32Array(rounded.buffer);
}

/** -0 is not 0 here. */
function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function mismatch(where: string, expected: string, found: string): ClaqError {
  return new ClaqError('output/verification-failed', 'The written model does not hold what it should', {
    where,
    expected,
    found,
    remedy: 'check the disk and run the export again',
  });
}

/** The check after a dense export: the written folder is opened like any model and compared with what it should hold, bit by bit. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { Checkpoint, TensorEntry } from '../checkpoint/checkpoint.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { bytesPerElement, elementCount, shapeText } from '../checkpoint/safetensors-dtype.ts';
import { compareTensor, hasSameBytes } from './compare-tensor.ts';
import { quantizedNames, replacementOf, targetDtype } from './dense-tensors.ts';
import type { DenseDtype, Replacements } from './dense-tensors.ts';
import { mismatch, reopened } from './failed-check.ts';
import type { CheckHooks, TensorReport } from './export-format.ts';
import { exportShards, isSharded } from './export-shards.ts';

export interface DenseVerification extends CheckHooks, Replacements {
  /** The source of what was not quantized. */
  readonly checkpoint: Checkpoint;
  /** The written folder. */
  readonly folder: string;
  readonly dtype: DenseDtype;
}

/** Bytes that are compared at a time. */
const COMPARE_BYTES = 4 * 2 ** 20;

/** Throws ClaqError output/verification-failed at the first tensor and position that differs, run/cancelled. */
export async function verifyDense(request: DenseVerification): Promise<TensorReport> {
  const { checkpoint, folder, onProgress, signal } = request;
  const written = await reopened(folder, () => openCheckpoint(folder));
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
        const rounding = await compareWeights(request, written, entry, matrices.has(name));
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

/** Returns the largest rounding. */
async function compareWeights(
  request: DenseVerification,
  written: Checkpoint,
  entry: TensorEntry,
  isMatrix: boolean,
): Promise<number> {
  const { checkpoint, dtype } = request;
  const target = targetDtype(entry, dtype);
  const isCopied = !isMatrix && target === entry.dtype;
  if (isCopied && (await hasSameBytes(checkpoint, written, entry))) return 0;
  const replacement = isMatrix ? await replacementOf(request, entry.name) : undefined;
  return await compareTensor(checkpoint, written, entry, target, replacement);
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

/** The check after a GGUF export: the file is opened like any model, and its metadata and every value are compared. */
import { throwIfCancelled } from '../../../../shared/cancellation.ts';
import type { ModelDescription } from '../../../../shared/model.ts';
import type { Checkpoint, TensorEntry } from '../../checkpoint/checkpoint.ts';
import { openGgufFile } from '../../checkpoint/gguf/gguf-file.ts';
import type { GgufHeader } from '../../checkpoint/gguf/gguf-header.ts';
import type { GgufMetadata } from '../../checkpoint/gguf/gguf-metadata.ts';
import { openGguf } from '../../checkpoint/gguf/open-gguf.ts';
import { shapeText } from '../../checkpoint/safetensors-dtype.ts';
import { compareTensor, hasSameBytes } from '../compare-tensor.ts';
import { positionText, quantizedNames, readPiece, replacementOf, tensorPieces } from '../dense-tensors.ts';
import type { TensorPiece } from '../dense-tensors.ts';
import type { CheckHooks, TensorReport } from '../export-format.ts';
import { mismatch, reopened, shown } from '../failed-check.ts';
import type { GgufTensorType, GgufValue } from './header.ts';
import { q8Roundings } from './q8-blocks.ts';
import { planTensors, ropeDivisors } from './tensor-plan.ts';
import type { PlannedTensor } from './tensor-plan.ts';
import { ggufEntries } from './write-gguf.ts';
import type { GgufExport } from './write-gguf.ts';

const PHASE = 'Checking the written model';

/**
 * Exact for F32 and F16; half a step of its block for Q8_0.
 * @param path of the written file
 * @throws ClaqError output/verification-failed at the first key, or tensor and position, that differs; run/cancelled
 */
export async function verifyGguf(
  request: GgufExport,
  path: string,
  { onProgress, signal }: CheckHooks = {},
): Promise<TensorReport> {
  const planned = planTensors(request.checkpoint, request.type);
  await compareHeader(request, planned, path);
  const written = await reopened(path, () => openGguf(path));
  try {
    compareModels(request.checkpoint.model, written.model, path);
    const matrices = quantizedNames(request.checkpoint.model);
    const total = planned.length;
    let maxRounding = 0;
    for (const [done, { name, entry, type }] of planned.entries()) {
      throwIfCancelled(signal, 'export');
      onProgress?.({ phase: PHASE, done, total, unit: 'tensors', detail: entry?.name ?? name });
      if (entry === undefined) continue;
      const rounding = await compareWeights(request, written, entry, type, matrices.has(entry.name));
      maxRounding = Math.max(maxRounding, rounding);
    }
    onProgress?.({ phase: PHASE, done: total, total, unit: 'tensors' });
    return { tensors: total, bytes: planned.reduce((sum, { bytes }) => sum + bytes, 0), maxRounding };
  } finally {
    await written.close();
  }
}

/** Names, types and shapes of all tensors, all metadata, and the divisors of the rotary frequencies. */
async function compareHeader(
  request: GgufExport,
  planned: readonly PlannedTensor[],
  path: string,
): Promise<void> {
  const file = await reopened(path, () => openGgufFile(path));
  try {
    compareTensors(planned, file.header, path);
    for (const [key, value] of await ggufEntries(request))
      compareEntry(file.header.metadata, key, value, path);
    const divisors = ropeDivisors(request.checkpoint.model);
    const stored = planned.find(({ entry }) => entry === undefined);
    const tensor = stored === undefined ? undefined : file.header.tensors.get(stored.name);
    if (divisors === undefined || tensor === undefined) return;
    const found = new Float32Array((await file.readBytes(tensor, 0, tensor.bytes)).buffer);
    const differs = divisors.findIndex((divisor, index) => divisor !== found[index]);
    if (differs < 0) return;
    throw mismatch(`${path}, ${tensor.name}[${differs}]`, String(divisors[differs]), String(found[differs]));
  } finally {
    await file.close();
  }
}

/** What a GGUF file has of a model beside its weights; scaled frequencies are compared as tensors where they are such. */
const DESCRIBED = [
  'hiddenSize',
  'ffnSize',
  'blocks',
  'heads',
  'kvHeads',
  'headDim',
  'vocabSize',
  'contextLength',
  'rmsNormEpsilon',
  'ropeTheta',
  'tiedEmbeddings',
  'qkvBias',
  'oBias',
  'mlpBias',
  'qkNorm',
] as const satisfies readonly (keyof ModelDescription)[];

function compareModels(expected: ModelDescription, found: ModelDescription, path: string): void {
  const stored = (value: number | boolean): number | boolean =>
    typeof value === 'number' ? Math.fround(value) : value;
  for (const key of DESCRIBED) compareValue(`${path}, ${key}`, stored(expected[key]), stored(found[key]));
  const [wanted, got] = [expected.ropeScaling, found.ropeScaling];
  if (wanted.type === 'linear' || got.type === 'linear') {
    compareValue(`${path}, ropeScaling`, JSON.stringify(wanted), JSON.stringify(got));
  }
}

function compareTensors(planned: readonly PlannedTensor[], { tensors }: GgufHeader, path: string): void {
  if (tensors.size !== planned.length) throw mismatch(path, `${planned.length} tensors`, `${tensors.size}`);
  for (const { name, type, shape } of planned) {
    const found = tensors.get(name);
    const [wanted, got] = [
      `${type} ${shapeText(shape)}`,
      found === undefined ? 'none' : `${found.type.name} ${shapeText(found.shape)}`,
    ];
    if (wanted !== got) throw mismatch(`${path}, tensor ${name}`, wanted, got);
  }
}

function compareEntry(metadata: GgufMetadata, key: string, { type, value }: GgufValue, path: string): void {
  const where = `${path}, ${key}`;
  switch (type) {
    case 'u32':
      compareValue(where, value, metadata.count(key));
      return;
    case 'f32':
      compareValue(where, Math.fround(value), Math.fround(metadata.float(key) ?? NaN));
      return;
    case 'bool':
      compareValue(where, value, metadata.flag(key));
      return;
    case 'string':
      compareValue(where, value, metadata.text(key));
      return;
    case 'strings':
      compareLists(where, value, metadata.texts(key));
      return;
    case 'i32s':
    case 'f32s':
      compareLists(where, value, metadata.numbers(key));
      return;
  }
}

function compareLists(
  where: string,
  wanted: ArrayLike<string | number>,
  found: readonly (string | number)[] | undefined,
): void {
  compareValue(`${where}, elements`, wanted.length, found?.length);
  for (let index = 0; index < wanted.length; index++) {
    compareValue(`${where}[${index}]`, wanted[index], found?.[index]);
  }
}

function compareValue(where: string, wanted: unknown, found: unknown): void {
  if (Object.is(wanted, found)) return;
  throw mismatch(where, shown(wanted), shown(found));
}

/** Returns the largest rounding. */
async function compareWeights(
  request: GgufExport,
  written: Checkpoint,
  entry: TensorEntry,
  type: GgufTensorType,
  isMatrix: boolean,
): Promise<number> {
  const { checkpoint } = request;
  const replacement = isMatrix ? await replacementOf(request, entry.name) : undefined;
  if (type === 'Q8_0')
    return await compareQ8(tensorPieces(checkpoint, entry, 'F32', replacement), written, entry);
  if (!isMatrix && type === entry.dtype && (await hasSameBytes(checkpoint, written, entry))) return 0;
  return await compareTensor(checkpoint, written, entry, type, replacement);
}

/** Returns the largest rounding. */
async function compareQ8(
  pieces: AsyncIterable<TensorPiece>,
  written: Checkpoint,
  entry: TensorEntry,
): Promise<number> {
  let maxRounding = 0;
  for await (const { from, to, values } of pieces) {
    const stored = await readPiece(written, entry, from, to);
    const { beyond, largest } = q8Roundings(values, stored);
    if (beyond !== undefined) {
      const place = `${written.path}, tensor ${entry.name}, ${positionText(entry.shape, from, beyond.index)}`;
      throw mismatch(
        place,
        `${shown(values[beyond.index])} within ${beyond.bound}`,
        shown(stored[beyond.index]),
      );
    }
    maxRounding = Math.max(maxRounding, largest);
  }
  return maxRounding;
}

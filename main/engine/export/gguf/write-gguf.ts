/** Writes a model as one GGUF file, tensor by tensor, a piece of rows at a time. */
import { ClaqError } from '../../../../shared/errors.ts';
import { writeAtomically } from '../../checkpoint/atomic-file.ts';
import type { OpenForWriting } from '../../checkpoint/atomic-file.ts';
import type { Checkpoint, TensorEntry } from '../../checkpoint/checkpoint.ts';
import { encodeFloats } from '../../checkpoint/half-precision.ts';
import { positionText, quantizedNames, tensorPieces } from '../dense-tensors.ts';
import type { QuantizedMatrix, TensorPiece } from '../dense-tensors.ts';
import type { OnTensor } from '../export-format.ts';
import { encodeHeader, paddingAfter } from './header.ts';
import type { GgufEntries, GgufTensorType } from './header.ts';
import { modelMetadata } from './model-metadata.ts';
import { pairedPieces } from './paired-rows.ts';
import { LARGEST_Q8_VALUE, encodeQ8, firstBeyondQ8 } from './q8-blocks.ts';
import { planTensors, ropeDivisors } from './tensor-plan.ts';
import type { PlannedTensor } from './tensor-plan.ts';
import { tokenizerMetadata } from './tokenizer-metadata.ts';

export interface GgufExport {
  readonly checkpoint: Checkpoint;
  /** Of the matrices; see `planTensors` for the rest. */
  readonly type: GgufTensorType;
  /** Name of the model, as programs show it. */
  readonly name: string;
  readonly quantized: QuantizedMatrix;
  /** How the file is opened; given only to write on a device that is full. */
  readonly openTemporary?: OpenForWriting;
}

/** Metadata of the file. Throws ClaqError model/unsupported, tokenizer/*. */
export async function ggufEntries({
  checkpoint,
  type,
  name,
}: Pick<GgufExport, 'checkpoint' | 'type' | 'name'>): Promise<GgufEntries> {
  return new Map([...modelMetadata(checkpoint.model, type, name), ...(await tokenizerMetadata(checkpoint))]);
}

/**
 * Writes the file atomically. Whether llama.cpp has an equivalent of the model and its tokenizer is known before a byte is written.
 * @throws ClaqError model/unsupported, tokenizer/*, weights/out-of-range for a value that the type cannot hold, weights/*,
 * output/disk-full, output/not-writable
 */
export async function writeGguf(
  request: GgufExport,
  path: string,
  onTensor: OnTensor = () => undefined,
): Promise<{ readonly bytes: number }> {
  const tensors = planTensors(request.checkpoint, request.type);
  const header = encodeHeader(await ggufEntries(request), tensors);
  let bytes = header.length;
  await writeAtomically(
    path,
    async (write) => {
      await write(header);
      for (const tensor of tensors) {
        onTensor(tensor.entry?.name ?? tensor.name);
        let written = 0;
        for await (const piece of encodedPieces(request, tensor)) {
          written += piece.length;
          await write(piece);
        }
        if (written !== tensor.bytes) {
          throw new RangeError(`${tensor.name}: ${written} bytes instead of ${tensor.bytes}`);
        }
        const padding = new Uint8Array(paddingAfter(written));
        await write(padding);
        bytes += written + padding.length;
      }
    },
    request.openTemporary,
  );
  return { bytes };
}

async function* encodedPieces(
  { checkpoint, quantized }: GgufExport,
  tensor: PlannedTensor,
): AsyncGenerator<Uint8Array> {
  const { entry, type, paired } = tensor;
  if (entry === undefined) {
    yield encodeFloats('F32', ropeDivisors(checkpoint.model) ?? new Float32Array());
    return;
  }
  const matrix = quantizedNames(checkpoint.model).has(entry.name) ? await quantized(entry.name) : undefined;
  const pieces = fittingPieces(checkpoint, entry, type, matrix);
  const rows = paired
    ? pairedPieces(pieces, checkpoint.model.headDim, entry.shape[1] ?? 1)
    : valuesOf(pieces);
  for await (const values of rows) yield type === 'Q8_0' ? encodeQ8(values) : encodeFloats(type, values);
}

async function* valuesOf(pieces: AsyncIterable<TensorPiece>): AsyncGenerator<Float32Array> {
  for await (const { values } of pieces) yield values;
}

/** Pieces of values that the type can hold. */
async function* fittingPieces(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  type: GgufTensorType,
  matrix: Float32Array | undefined,
): AsyncGenerator<TensorPiece> {
  if (type !== 'Q8_0') {
    yield* tensorPieces(checkpoint, entry, type, matrix);
    return;
  }
  for await (const piece of tensorPieces(checkpoint, entry, 'F32', matrix)) {
    const beyond = firstBeyondQ8(piece.values);
    if (beyond >= 0) {
      throw new ClaqError(
        'weights/out-of-range',
        `The tensor ${entry.name} has a value that Q8_0 cannot hold`,
        {
          where: `${entry.name}, ${positionText(entry.shape, piece.from, beyond)}`,
          expected: `values from -${LARGEST_Q8_VALUE} to ${LARGEST_Q8_VALUE}`,
          found: String(piece.values[beyond]),
          remedy: 'export as F32',
        },
      );
    }
    yield piece;
  }
}

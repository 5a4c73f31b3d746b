/** Writes a model as one GGUF file, tensor by tensor, a piece of rows at a time. */
import { ClaqError } from '../../../../shared/errors.ts';
import { writeAtomically } from '../../checkpoint/atomic-file.ts';
import type { OpenForWriting } from '../../checkpoint/atomic-file.ts';
import { type Licence, cardLicence } from '../../checkpoint/card-licence.ts';
import type { Checkpoint, TensorEntry } from '../../checkpoint/checkpoint.ts';
import { encodeFloats } from '../../checkpoint/half-precision.ts';
import { positionText, quantizedNames, replacementOf, tensorPieces } from '../dense-tensors.ts';
import type { Replacement, Replacements } from '../dense-tensors.ts';
import { encodedPieces } from '../encoded-pieces.ts';
import type { EncodedPiece } from '../encoded-pieces.ts';
import type { OnTensor } from '../export-format.ts';
import { encodeHeader, paddingAfter } from './header.ts';
import type { GgufEntries, GgufTensorType, GgufValue } from './header.ts';
import { modelMetadata } from './model-metadata.ts';
import { pairedPieces } from './paired-rows.ts';
import { LARGEST_Q8_VALUE, encodeQ8, firstBeyondQ8 } from './q8-blocks.ts';
import { planTensors, ropeDivisors } from './tensor-plan.ts';
import type { PlannedTensor } from './tensor-plan.ts';
import { tokenizerMetadata } from './tokenizer-metadata.ts';

/** Matrices are asked for twice: for the writing and for the check after it. */
export interface GgufExport extends Replacements {
  readonly checkpoint: Checkpoint;
  /** Of the matrices; see `planTensors` for the rest. */
  readonly type: GgufTensorType;
  /** Name of the model, as programs show it. */
  readonly name: string;
  /** Its metadata, where that has been made before: a tokenizer takes a while. */
  readonly entries?: GgufEntries | undefined;
  /** How the file is opened; given only to write on a device that is full. */
  readonly openTemporary?: OpenForWriting;
}

/** Metadata of the file. Throws ClaqError model/unsupported, tokenizer/*. */
export async function ggufEntries({
  checkpoint,
  type,
  name,
  entries,
}: Pick<GgufExport, 'checkpoint' | 'type' | 'name' | 'entries'>): Promise<GgufEntries> {
  if (entries !== undefined) return entries;
  const licence = await cardLicence(checkpoint.companions);
  return new Map<string, GgufValue>([
    ...modelMetadata(checkpoint.model, type, name),
    ...licenceEntries(licence),
    ...(await tokenizerMetadata(checkpoint)),
  ]);
}

function licenceEntries(licence: Licence | undefined): [string, GgufValue][] {
  const fields = {
    license: licence?.ids.join(', '),
    'license.name': licence?.name,
    'license.link': licence?.link,
  };
  return Object.entries(fields).flatMap(([key, value]): [string, GgufValue][] =>
    value === undefined ? [] : [[`general.${key}`, { type: 'string', value }]],
  );
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
        for await (const piece of tensorBytes(request, tensor)) {
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

async function* tensorBytes(
  request: GgufExport,
  { entry, type, paired, shape, bytes }: PlannedTensor,
): AsyncGenerator<Uint8Array> {
  const { checkpoint } = request;
  if (entry === undefined) {
    yield encodeFloats('F32', ropeDivisors(checkpoint.model) ?? new Float32Array());
    return;
  }
  const isMatrix = quantizedNames(checkpoint.model).has(entry.name);
  const replacement = isMatrix ? await replacementOf(request, entry.name) : undefined;
  const rows =
    type === 'Q8_0'
      ? q8Rows(checkpoint, entry, replacement)
      : floatRows(encodedPieces(checkpoint, entry, type, replacement));
  yield* paired ? pairedPieces(rows, checkpoint.model.headDim, bytes / (shape[0] ?? 1)) : rows;
}

async function* floatRows(pieces: AsyncIterable<EncodedPiece>): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of pieces) yield bytes;
}

async function* q8Rows(
  checkpoint: Checkpoint,
  entry: TensorEntry,
  replacement: Replacement | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const { from, values } of tensorPieces(checkpoint, entry, 'F32', replacement)) {
    const beyond = firstBeyondQ8(values);
    if (beyond >= 0) throw beyondQ8(entry, from, beyond, values[beyond]);
    yield encodeQ8(values);
  }
}

function beyondQ8(
  { name, shape }: TensorEntry,
  from: number,
  index: number,
  value: number | undefined,
): ClaqError {
  return new ClaqError('weights/out-of-range', `The tensor ${name} has a value that Q8_0 cannot hold`, {
    where: `${name}, ${positionText(shape, from, index)}`,
    expected: `values from -${LARGEST_Q8_VALUE} to ${LARGEST_Q8_VALUE}`,
    found: String(value),
    remedy: 'take a dense export in f32',
  });
}

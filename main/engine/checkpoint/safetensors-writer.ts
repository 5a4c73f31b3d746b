/** Streamed writing of a safetensors file: the header first, from names, dtypes and shapes alone, then one tensor after another. */
import { writeAtomically } from './atomic-file.ts';
import type { OpenForWriting } from './atomic-file.ts';
import { bytesPerElement, elementCount, shapeText } from './safetensors-dtype.ts';
import type { StoredDtype } from './safetensors-dtype.ts';
import { LENGTH_BYTES, MAX_HEADER_BYTES } from './safetensors-header.ts';

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** The tensor's bytes, row-major and little-endian, in pieces of any length. Called once, when its turn has come. */
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export interface WriteOptions {
  readonly metadata?: ReadonlyMap<string, string>;
  readonly openTemporary?: OpenForWriting | undefined;
}

/**
 * Writes `tensors` in the order given, atomically; the data begins at a multiple of 8 bytes. Returns the file's size.
 * @throws ClaqError output/disk-full or output/not-writable, whatever a tensor's pieces throw, and RangeError for a tensor
 * whose pieces are not as long as its shape says.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorToWrite[],
  options: WriteOptions = {},
): Promise<number> {
  const header = encodeHeader(tensors, options.metadata ?? new Map());
  let size = header.length;
  await writeAtomically(
    path,
    async (write) => {
      await write(header);
      for (const tensor of tensors) {
        let written = 0;
        for await (const piece of tensor.pieces()) {
          written += piece.length;
          await write(piece);
        }
        if (written !== tensorBytes(tensor)) {
          throw new RangeError(
            `${tensor.name}: ${written} bytes for ${tensor.dtype} ${shapeText(tensor.shape)}`,
          );
        }
        size += written;
      }
    },
    options.openTemporary,
  );
  return size;
}

type Described = Pick<TensorToWrite, 'name' | 'dtype' | 'shape'>;

/** Length and JSON, padded with spaces. The same tensors and metadata give the same bytes. */
export function encodeHeader(
  tensors: readonly Described[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const entries: [string, unknown][] =
    metadata.size === 0 ? [] : [['__metadata__', Object.fromEntries(metadata)]];
  const names = new Set(['__metadata__']);
  let offset = 0;
  for (const tensor of tensors) {
    const { name, dtype, shape } = tensor;
    if (names.has(name)) throw new RangeError(`${name}: no name for a tensor of this file, or already taken`);
    names.add(name);
    const end = offset + tensorBytes(tensor);
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Joined by hand: an object would move names that look like numbers to the front.
  const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const padded = Math.ceil(text.length / 8) * 8;
  if (padded > MAX_HEADER_BYTES)
    throw new RangeError(`a header of ${padded} bytes is more than the format allows`);
  const header = new Uint8Array(LENGTH_BYTES + padded).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(padded), true);
  header.set(text, LENGTH_BYTES);
  return header;
}

function tensorBytes({ name, dtype, shape }: Described): number {
  const elements = elementCount(shape);
  if (elements === undefined) throw new RangeError(`${name}: ${shapeText(shape)} is too large`);
  return elements * bytesPerElement(dtype);
}

/** A safetensors file opened for reading by position: the header is read and checked once, a tensor's bytes when they are asked for. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { ClaqError } from '../../../shared/errors.ts';
import { decodeFloats, firstNotFinite } from './half-precision.ts';
import { fillFrom, readExactly } from './read-exactly.ts';
import type { OnEnd } from './read-exactly.ts';
import { ReusedMemory } from './reused-memory.ts';
import { bytesPerElement, isFloatDtype, shapeText } from './safetensors-dtype.ts';
import type { FloatDtype } from './safetensors-dtype.ts';
import { headerLength, LENGTH_BYTES, parseHeader } from './safetensors-header.ts';
import type { HeaderSource, SafetensorsHeader, StoredTensor } from './safetensors-header.ts';
import { allocateFloats, notFiniteWeights } from './stored-floats.ts';

/** Half-precision weights are decoded in pieces of this size, so that the stored bytes never stand whole beside their floats. */
const PIECE_BYTES = 32 * 2 ** 20;

/** How a Git LFS pointer begins: a small text file that stands where the weights were not downloaded. */
const LFS_POINTER = 'version https://git-lfs';

const BROKEN_WEIGHTS = 'download the file again: it is truncated or was changed';

/**
 * Opens the file and checks its header.
 * @param source overrides how the file is named in errors, and which error a wrong file is (weights/malformed)
 * @throws ClaqError weights/missing-file, weights/lfs-pointer, weights/unsupported-dtype, or the source's code.
 */
export async function openSafetensors(
  path: string,
  source: Partial<HeaderSource> = {},
): Promise<SafetensorsFile> {
  const named: HeaderSource = { file: path, code: 'weights/malformed', remedy: BROKEN_WEIGHTS, ...source };
  const handle = await openForReading(path, named);
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw missingFile(named, 'something that is not a file');
    const start = await readExactly(handle, 0, Math.min(stat.size, LFS_POINTER.length), ended(named));
    if (new TextDecoder('latin1').decode(start) === LFS_POINTER) throw lfsPointer(named.file, stat.size);
    const length = headerLength(start, stat.size, named);
    const header = parseHeader(
      await readExactly(handle, LENGTH_BYTES, length, ended(named)),
      stat.size,
      named,
    );
    return new SafetensorsFile(handle, header, named);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** What stands behind the header: the tensors, without gaps. */
export interface FileData {
  /** Of its first byte in the file. */
  readonly position: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class SafetensorsFile {
  readonly header: SafetensorsHeader;
  readonly #handle: FileHandle;
  readonly #source: HeaderSource;
  readonly #ended: OnEnd;

  /** Use `openSafetensors`. */
  constructor(handle: FileHandle, header: SafetensorsHeader, source: HeaderSource) {
    this.#handle = handle;
    this.header = header;
    this.#source = source;
    this.#ended = ended(source);
  }

  /** The bytes of all tensors, as they stand in the file. */
  async readData(memory = new ReusedMemory()): Promise<FileData> {
    const { tensors } = this.header;
    const [first] = tensors.values();
    const position = first?.position ?? 0;
    const bytes = memory.take(tensors.values().reduce((sum, tensor) => sum + tensor.bytes, 0));
    await fillFrom(this.#handle, bytes, position, this.#ended);
    return { position, bytes };
  }

  /** The whole tensor as float32, row-major. Throws ClaqError weights/not-finite where it holds NaN or an infinity. */
  async readFloats(name: string): Promise<Float32Array> {
    const tensor = this.#tensor(name);
    const dtype = this.#floatDtype(tensor);
    return await this.#floats(tensor, dtype, 0, tensor.bytes / bytesPerElement(dtype));
  }

  /** Rows [from, to) of a two-dimensional tensor as float32: [to - from, columns]. */
  async readRows(name: string, from: number, to: number): Promise<Float32Array> {
    const tensor = this.#tensor(name);
    const [rows, columns] = tensor.shape;
    if (rows === undefined || columns === undefined || tensor.shape.length !== 2) {
      throw new RangeError(`${name} has the shape ${shapeText(tensor.shape)}: no rows to read`);
    }
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= rows)) {
      throw new RangeError(`rows [${from}, ${to}) of ${name}, which has ${rows}`);
    }
    return await this.#floats(tensor, this.#floatDtype(tensor), from * columns, (to - from) * columns);
  }

  /** Bytes [from, to) of a tensor as they are stored, in an array of their own. */
  async readBytes(name: string, from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    const tensor = this.#tensor(name);
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= tensor.bytes)) {
      throw new RangeError(`bytes [${from}, ${to}) of ${name}, which has ${tensor.bytes}`);
    }
    return await readExactly(this.#handle, tensor.position + from, to - from, this.#ended);
  }

  /** A tensor's bytes as they are stored, into `target`, which has their length and may be shared memory. */
  async readInto(name: string, target: Uint8Array): Promise<void> {
    const tensor = this.#tensor(name);
    if (target.length !== tensor.bytes) {
      throw new RangeError(`room for ${target.length} bytes of ${name}, which has ${tensor.bytes}`);
    }
    await fillFrom(this.#handle, target, tensor.position, this.#ended);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #tensor(name: string): StoredTensor {
    const tensor = this.header.tensors.get(name);
    if (tensor !== undefined) return tensor;
    throw new ClaqError('weights/missing-tensor', `The tensor ${name} is not in the file`, {
      where: this.#source.file,
    });
  }

  #floatDtype({ name, dtype }: StoredTensor): FloatDtype {
    if (isFloatDtype(dtype)) return dtype;
    throw new ClaqError(
      'weights/unsupported-dtype',
      'The weights are stored in a dtype that is not supported',
      {
        where: `${this.#source.file}, tensor ${name}`,
        expected: 'F32, F16 or BF16',
        found: dtype,
        remedy: 'save the model with float16, bfloat16 or float32 weights',
      },
    );
  }

  /** Elements [first, first + count) as float32, checked to be finite. */
  async #floats(
    tensor: StoredTensor,
    dtype: FloatDtype,
    first: number,
    count: number,
  ): Promise<Float32Array> {
    const width = bytesPerElement(dtype);
    const floats = allocateFloats(count, `${this.#source.file}, tensor ${tensor.name}`);
    if (dtype === 'F32') {
      const bytes = new Uint8Array(floats.buffer);
      await fillFrom(this.#handle, bytes, tensor.position + first * width, this.#ended);
    } else {
      const step = PIECE_BYTES / width;
      for (let done = 0; done < count; done += step) {
        const target = floats.subarray(done, Math.min(done + step, count));
        const position = tensor.position + (first + done) * width;
        decodeFloats(
          dtype,
          await readExactly(this.#handle, position, target.length * width, this.#ended),
          target,
        );
      }
    }
    const bad = firstNotFinite(floats);
    if (bad >= 0)
      throw notFiniteWeights(tensor, `${this.#source.file}, tensor ${tensor.name}`, first + bad, floats[bad]);
    return floats;
  }
}

/** Throws ClaqError weights/lfs-pointer where `text` is a Git LFS pointer instead of the file's content. */
export function refuseLfsPointer(text: string, file: string): void {
  if (text.startsWith(LFS_POINTER)) throw lfsPointer(file, text.length);
}

function lfsPointer(file: string, size: number): ClaqError {
  return new ClaqError('weights/lfs-pointer', 'The file is a Git LFS pointer, not the file itself', {
    where: file,
    expected: 'the content, which Git LFS has not fetched yet',
    found: `a text file of ${size} bytes that begins with "${LFS_POINTER}"`,
    remedy: 'run `git lfs install` and `git lfs pull` in the model folder, or download the file again',
  });
}

function missingFile(source: HeaderSource, found: string, cause?: unknown): ClaqError {
  return new ClaqError(
    source.code === 'weights/malformed' ? 'weights/missing-file' : source.code,
    'The file cannot be opened',
    {
      where: source.file,
      expected: 'a safetensors file',
      found,
      remedy: source.remedy,
      cause,
    },
  );
}

async function openForReading(path: string, source: HeaderSource): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw missingFile(source, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function ended({ file, code, remedy }: HeaderSource): OnEnd {
  return (expected, found) =>
    new ClaqError(code, 'The file ended while it was read', { where: file, expected, found, remedy });
}

/**
 * Typed arrays and text in one safetensors file: how results (codes, codebooks, reserved entries) are kept. Written atomically,
 * read whole, since such a file holds one matrix.
 */
import type { OpenForWriting } from './atomic-file.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ReusedMemory } from './reused-memory.ts';
import { openSafetensors } from './safetensors-file.ts';
import type { FileData } from './safetensors-file.ts';
import type { StoredTensor } from './safetensors-header.ts';
import { writeSafetensors } from './safetensors-writer.ts';
import { bytesPerElement } from './safetensors-dtype.ts';
import type { StoredDtype } from './safetensors-dtype.ts';

interface ArrayTypes {
  U8: Uint8Array;
  I32: Int32Array;
  I64: BigInt64Array;
  F16: Float16Array;
  F32: Float32Array;
}
export type ArrayDtype = keyof ArrayTypes;

export interface ArrayToWrite {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; the array's type decides the dtype. */
  readonly data: ArrayTypes[ArrayDtype];
}

/** Such a file is read whole: no bigger one is opened. The codes of the largest matrices in use (16384 x 53248) take 0.9 GB. */
const MAX_FILE_BYTES = 2 ** 32;

const REMEDY = 'remove the file and run again: the result is computed anew';

/** Writes the arrays in the order given. Throws ClaqError output/disk-full or output/not-writable. */
export async function writeArrays(
  path: string,
  arrays: readonly ArrayToWrite[],
  metadata: ReadonlyMap<string, string>,
  openTemporary?: OpenForWriting,
): Promise<void> {
  const tensors = arrays.map(({ name, shape, data }) => ({
    name,
    shape,
    dtype: dtypeOf(data),
    pieces: () => [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  }));
  await writeSafetensors(path, tensors, {
    metadata,
    ...(openTemporary === undefined ? {} : { openTemporary }),
  });
}

/**
 * Reads a whole file of arrays. Throws ClaqError result/malformed where it is anything but that.
 * @param memory where the arrays are to stand
 */
export async function readArrays(path: string, memory?: ReusedMemory): Promise<ArrayFile> {
  const file = await openSafetensors(path, { code: 'result/malformed', remedy: REMEDY });
  try {
    const total = file.header.tensors.values().reduce((sum, tensor) => sum + tensor.bytes, 0);
    if (total > MAX_FILE_BYTES) {
      throw new ClaqError('result/malformed', 'The result file is larger than a result can be', {
        where: path,
        expected: `at most ${MAX_FILE_BYTES} bytes`,
        found: `${total} bytes`,
        remedy: REMEDY,
      });
    }
    const data = await file.readData(memory);
    const arrays = new Map<string, StoredArray>();
    for (const tensor of file.header.tensors.values())
      arrays.set(tensor.name, storedArray(data, tensor, path));
    return new ArrayFile(path, arrays, file.header.metadata);
  } finally {
    await file.close();
  }
}

interface StoredArray {
  readonly shape: readonly number[];
  readonly data: ArrayTypes[ArrayDtype];
}

export class ArrayFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly #path: string;
  readonly #arrays: ReadonlyMap<string, StoredArray>;

  /** Use `readArrays`. */
  constructor(path: string, arrays: ReadonlyMap<string, StoredArray>, metadata: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#arrays = arrays;
    this.metadata = metadata;
  }

  get names(): string[] {
    return [...this.#arrays.keys()];
  }

  has(name: string): boolean {
    return this.#arrays.has(name);
  }

  /** Shape of an array that must be there. */
  shape(name: string): readonly number[] {
    return this.#array(name).shape;
  }

  u8(name: string): Uint8Array {
    const { data } = this.#array(name);
    return data instanceof Uint8Array ? data : this.#wrongDtype(name, 'U8', data);
  }

  i32(name: string): Int32Array {
    const { data } = this.#array(name);
    return data instanceof Int32Array ? data : this.#wrongDtype(name, 'I32', data);
  }

  i64(name: string): BigInt64Array {
    const { data } = this.#array(name);
    return data instanceof BigInt64Array ? data : this.#wrongDtype(name, 'I64', data);
  }

  f16(name: string): Float16Array {
    const { data } = this.#array(name);
    return data instanceof Float16Array ? data : this.#wrongDtype(name, 'F16', data);
  }

  f32(name: string): Float32Array {
    const { data } = this.#array(name);
    return data instanceof Float32Array ? data : this.#wrongDtype(name, 'F32', data);
  }

  #array(name: string): StoredArray {
    const array = this.#arrays.get(name);
    if (array !== undefined) return array;
    throw new ClaqError('result/malformed', `The result file has no array ${name}`, {
      where: this.#path,
      expected: name,
      found: this.names.join(', '),
      remedy: REMEDY,
    });
  }

  #wrongDtype(name: string, expected: ArrayDtype, data: ArrayTypes[ArrayDtype]): never {
    throw new ClaqError('result/malformed', `The array ${name} of the result file has the wrong dtype`, {
      where: this.#path,
      expected,
      found: dtypeOf(data),
      remedy: REMEDY,
    });
  }
}

type View<D extends ArrayDtype> = (buffer: ArrayBuffer, offset: number, length: number) => ArrayTypes[D];

const VIEWS: { readonly [D in ArrayDtype]: View<D> } = {
  U8: (buffer, offset, length) => new Uint8Array(buffer, offset, length),
  I32: (buffer, offset, length) => new Int32Array(buffer, offset, length),
  I64: (buffer, offset, length) => new BigInt64Array(buffer, offset, length),
  F16: (buffer, offset, length) => new Float16Array(buffer, offset, length),
  F32: (buffer, offset, length) => new Float32Array(buffer, offset, length),
};

function isArrayDtype(dtype: StoredDtype): dtype is ArrayDtype {
  return Object.hasOwn(VIEWS, dtype);
}

/** A view of the file's data; a copy where the file has the array at an odd place. */
function storedArray(
  data: FileData,
  { name, dtype, shape, position, bytes }: StoredTensor,
  path: string,
): StoredArray {
  if (!isArrayDtype(dtype)) {
    throw new ClaqError(
      'result/malformed',
      'The result file has an array of a dtype that results do not use',
      {
        where: `${path}, array ${name}`,
        expected: Object.keys(VIEWS).join(', '),
        found: dtype,
        remedy: REMEDY,
      },
    );
  }
  const width = bytesPerElement(dtype);
  const offset = position - data.position;
  const { buffer, byteOffset } =
    offset % width === 0 ? data.bytes.subarray(offset) : data.bytes.slice(offset, offset + bytes);
  return { shape, data: VIEWS[dtype](buffer, byteOffset, bytes / width) };
}

function dtypeOf(data: ArrayTypes[ArrayDtype]): ArrayDtype {
  if (data instanceof Uint8Array) return 'U8';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof BigInt64Array) return 'I64';
  if (data instanceof Float16Array) return 'F16';
  return 'F32';
}

import { ClaqError } from '../../../shared/errors.ts';

const PAGE = 65_536;
/** WebAssembly's 32-bit addresses: 4 GiB, the last page left unused so that an end pointer still fits in a word. */
const MAX_PAGES = 65_535;
/** Bytes that the kernels' memory can have. */
export const ARENA_BYTES = MAX_PAGES * PAGE;
/** A cache line, and more than any vector's alignment. */
const ALIGNMENT = 64;

/**
 * The memory that all kernel threads share, handed out front to back. A caller marks, allocates, and releases back to its
 * mark: nothing is freed one by one. Memory grows as needed and never shrinks; pages that were never touched cost nothing.
 */
export class Arena {
  readonly memory: WebAssembly.Memory;
  #top: number;

  /** @param reserved bytes at the start that belong to the compiled module */
  constructor(reserved = PAGE) {
    this.memory = new WebAssembly.Memory({
      initial: Math.ceil(reserved / PAGE),
      maximum: MAX_PAGES,
      shared: true,
    });
    this.#top = reserved;
  }

  get used(): number {
    return this.#top;
  }

  mark(): number {
    return this.#top;
  }

  release(mark: number): void {
    this.#top = mark;
  }

  /** Pointer to `bytes` bytes. Their content is whatever was there before. */
  allocate(bytes: number): number {
    const start = Math.ceil(this.#top / ALIGNMENT) * ALIGNMENT;
    const end = start + bytes;
    const missing = Math.ceil(end / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (missing > 0) {
      if (end > ARENA_BYTES) throw tooLarge(end);
      try {
        this.memory.grow(missing);
      } catch (cause) {
        throw outOfMemory(missing * PAGE, cause);
      }
    }
    this.#top = end;
    return start;
  }

  floats(pointer: number, length: number): Float32Array<SharedArrayBuffer> {
    return new Float32Array(this.#buffer(), pointer, length);
  }

  doubles(pointer: number, length: number): Float64Array<SharedArrayBuffer> {
    return new Float64Array(this.#buffer(), pointer, length);
  }

  ints(pointer: number, length: number): Int32Array<SharedArrayBuffer> {
    return new Int32Array(this.#buffer(), pointer, length);
  }

  bytes(pointer: number, length: number): Uint8Array<SharedArrayBuffer> {
    return new Uint8Array(this.#buffer(), pointer, length);
  }

  /** Allocates and fills 32-bit words: a job's arguments, pointers included. */
  words(values: readonly number[]): number {
    const pointer = this.allocate(values.length * 4);
    new Uint32Array(this.#buffer(), pointer, values.length).set(values);
    return pointer;
  }

  copyInts(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length * 4);
    this.ints(pointer, values.length).set(values);
    return pointer;
  }

  copyBytes(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length);
    this.bytes(pointer, values.length).set(values);
    return pointer;
  }

  copyFloats(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length * 4);
    this.floats(pointer, values.length).set(values);
    return pointer;
  }

  copyDoubles(values: ArrayLike<number>): number {
    const pointer = this.allocate(values.length * 8);
    this.doubles(pointer, values.length).set(values);
    return pointer;
  }

  #buffer(): SharedArrayBuffer {
    const { buffer } = this.memory;
    if (buffer instanceof SharedArrayBuffer) return buffer;
    throw new TypeError('the kernels need shared memory');
  }
}

/** More than 32-bit addresses reach: no machine has room for it. */
function tooLarge(bytes: number): ClaqError {
  return new ClaqError('engine/out-of-memory', 'The matrix is too large for the 4 GiB of kernel memory', {
    expected: `at most ${ARENA_BYTES} bytes`,
    found: `${bytes} bytes`,
    remedy: 'calibrate with shorter segments, or quantize a model with smaller matrices',
  });
}

/** Within reach, but the machine does not give it. */
function outOfMemory(bytes: number, cause: unknown): ClaqError {
  return new ClaqError('engine/out-of-memory', 'There is not enough memory for the kernels', {
    expected: `${bytes} bytes more`,
    remedy: 'close other programs, or use a machine with more memory',
    cause,
  });
}

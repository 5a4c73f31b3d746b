/** A tensor of a GGUF file as Hugging Face has it: rows in its order, codes decoded, a piece of rows in memory at a time. */
import { firstNotFinite } from '../half-precision.ts';
import { bytesPerElement, elementCount, shapeText } from '../safetensors-dtype.ts';
import type { FloatDtype } from '../safetensors-dtype.ts';
import type { GgufFile } from './gguf-file.ts';
import type { GgufTensor } from './gguf-header.ts';
import { unpairedRows } from './head-order.ts';
import { allocateFloats, notFiniteWeights } from '../stored-floats.ts';

/** Stored bytes that are decoded at a time. */
const PIECE_BYTES = 4 * 2 ** 20;

interface StoredPiece {
  readonly from: number;
  readonly to: number;
  /** Rows [from, to) in Hugging Face's order, still encoded. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export class StoredTensor {
  readonly name: string;
  /** What `readBytes` gives: codes are decoded to F32. */
  readonly dtype: FloatDtype;
  readonly source: GgufTensor;
  readonly #file: GgufFile;
  readonly #rows: number;
  readonly #columns: number;
  readonly #storedRowBytes: number;
  /** Of q and k in llama.cpp's order of rows. */
  readonly #pairedHeadDim: number | undefined;

  /**
   * @param name Hugging Face's
   * @param pairedHeadDim values a head of a tensor whose rows stand in llama.cpp's order
   */
  constructor(name: string, file: GgufFile, source: GgufTensor, pairedHeadDim: number | undefined) {
    const { type, shape, bytes } = source;
    this.name = name;
    this.source = source;
    this.dtype = type.dtype ?? 'F32';
    this.#file = file;
    this.#rows = shape[0] ?? 1;
    this.#columns = (elementCount(shape) ?? 0) / this.#rows;
    // A vector of codes is one row: its values cannot be taken apart.
    if (shape.length === 1 && type.blockValues > 1) {
      this.#columns *= this.#rows;
      this.#rows = 1;
    }
    this.#storedRowBytes = bytes / this.#rows;
    this.#pairedHeadDim = pairedHeadDim;
  }

  get file(): GgufFile {
    return this.#file;
  }

  /** The whole tensor, row-major. Throws ClaqError weights/not-finite where it holds NaN or an infinity. */
  async read(): Promise<Float32Array> {
    return await this.#floats(0, this.#rows);
  }

  /** Rows [from, to) of a two-dimensional tensor. */
  async readRows(from: number, to: number): Promise<Float32Array> {
    const { shape } = this.source;
    if (shape.length !== 2)
      throw new RangeError(`${this.name} has the shape ${shapeText(shape)}: no rows to read`);
    if (!isRange(from, to, this.#rows)) {
      throw new RangeError(`rows [${from}, ${to}) of ${this.name}, which has ${this.#rows}`);
    }
    return await this.#floats(from, to);
  }

  /** Bytes [from, to) of the tensor in `dtype`. */
  async readBytes(from: number, to: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!isRange(from, to, this.#bytes)) {
      throw new RangeError(`bytes [${from}, ${to}) of ${this.name}, which has ${this.#bytes}`);
    }
    if (this.#isAsStored) return await this.#file.readBytes(this.source, from, to);
    const rowBytes = this.#bytes / this.#rows;
    const firstRow = Math.floor(from / rowBytes);
    const rows = new Uint8Array(Math.ceil(to / rowBytes) * rowBytes - firstRow * rowBytes);
    await this.#readRowBytes(firstRow, rows);
    return rows.subarray(from - firstRow * rowBytes, to - firstRow * rowBytes);
  }

  /** All bytes of the tensor in `dtype`, into `target`, which has their length and may be shared memory. */
  async readInto(target: Uint8Array): Promise<void> {
    if (target.length !== this.#bytes) {
      throw new RangeError(`room for ${target.length} bytes of ${this.name}, which has ${this.#bytes}`);
    }
    if (this.#isAsStored) await this.#file.readInto(this.source, 0, target);
    else await this.#readRowBytes(0, target);
  }

  /** Bytes in `dtype`. */
  get #bytes(): number {
    return this.#rows * this.#columns * bytesPerElement(this.dtype);
  }

  get #isAsStored(): boolean {
    return this.source.type.dtype !== undefined && this.#pairedHeadDim === undefined;
  }

  /** Whole rows from `from` on in `dtype`, as many as `target` has room for. */
  async #readRowBytes(from: number, target: Uint8Array): Promise<void> {
    const rowBytes = this.#bytes / this.#rows;
    for await (const piece of this.#pieces(from, from + target.length / rowBytes)) {
      const bytes = this.source.type.dtype === undefined ? bytesOf(this.#decoded(piece)) : piece.bytes;
      target.set(bytes, (piece.from - from) * rowBytes);
    }
  }

  async #floats(from: number, to: number): Promise<Float32Array> {
    const floats = allocateFloats((to - from) * this.#columns, `${this.#file.path}, tensor ${this.name}`);
    for await (const piece of this.#pieces(from, to)) {
      const target = floats.subarray((piece.from - from) * this.#columns, (piece.to - from) * this.#columns);
      this.source.type.decode(piece.bytes, target);
      const bad = firstNotFinite(target);
      if (bad < 0) continue;
      const tensor = { name: this.name, shape: this.source.shape };
      const where = `${this.#file.path}, tensor ${this.source.name}`;
      throw notFiniteWeights(tensor, where, piece.from * this.#columns + bad, target[bad]);
    }
    return floats;
  }

  #decoded({ from, to, bytes }: StoredPiece): Float32Array {
    const floats = new Float32Array((to - from) * this.#columns);
    this.source.type.decode(bytes, floats);
    return floats;
  }

  async *#pieces(begin: number, end: number): AsyncGenerator<StoredPiece> {
    const headDim = this.#pairedHeadDim ?? 1;
    const step = Math.max(1, Math.floor(PIECE_BYTES / (this.#storedRowBytes * headDim))) * headDim;
    for (let from = begin; from < end;) {
      const first = from - (from % headDim);
      const to = Math.min(end, first + step);
      const last = Math.ceil(to / headDim) * headDim;
      const rowBytes = this.#storedRowBytes;
      const stored = await this.#file.readBytes(this.source, first * rowBytes, last * rowBytes);
      const bytes =
        this.#pairedHeadDim === undefined
          ? stored
          : unpairedRows(stored, { first, from, to }, { headDim, rowBytes });
      yield { from, to, bytes };
      from = to;
    }
  }
}

function isRange(from: number, to: number, end: number): boolean {
  return Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= end;
}

function bytesOf(floats: Float32Array): Uint8Array {
  return new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
}

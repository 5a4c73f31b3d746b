import type { HostMemory } from './host-memory.ts';
import { SpillFile } from './spill-file.ts';

/**
 * An array of float32 values for each segment: of the first segments in memory, as many as it has room for, of those behind
 * them in a file. The segments are visited in order, over and over, so keeping what was used last would keep nothing.
 */
export class SegmentStore {
  readonly #memory: HostMemory;
  readonly #lengths: readonly number[];
  /** Segments in memory, from the first on, and the bytes that are taken for them. */
  readonly #inMemory: number;
  readonly #taken: number;
  readonly #values = new Map<number, Float32Array>();
  /** Where the slot of each segment in the file begins. */
  readonly #slots: readonly number[];
  readonly #spilledLength: number;
  readonly #written = new Set<number>();
  #file: SpillFile | undefined;
  #disposed = false;

  /** @param lengths values of each segment */
  constructor(lengths: readonly number[], memory: HostMemory) {
    this.#lengths = [...lengths];
    this.#memory = memory;
    let inMemory = 0;
    let taken = 0;
    for (const length of lengths) {
      const bytes = length * Float32Array.BYTES_PER_ELEMENT;
      if (!memory.take(bytes)) break;
      inMemory++;
      taken += bytes;
    }
    this.#inMemory = inMemory;
    this.#taken = taken;
    let end = 0;
    this.#slots = lengths.map((length, segment) => {
      const slot = end;
      if (segment >= inMemory) end += length;
      return slot;
    });
    this.#spilledLength = end;
  }

  /**
   * Values [from, to) of a segment, all by default. They are not to be changed: they may be the stored ones themselves.
   * Throws ClaqError as SpillFile does.
   */
  read(segment: number, from = 0, to: number = this.#length(segment)): Float32Array {
    if (to > this.#length(segment)) throw new RangeError(`segment ${segment} ends before value ${to}`);
    if (segment < this.#inMemory) {
      const values = this.#values.get(segment);
      if (values === undefined) throw notWritten(segment);
      return from === 0 && to === values.length ? values : values.subarray(from, to);
    }
    if (!this.#written.has(segment)) throw notWritten(segment);
    // A new array each time: a tensor that was made of the one before may still share it.
    const values = new Float32Array(to - from);
    this.#spillFile().read(this.#slot(segment) + from, values);
    return values;
  }

  /** Whether a segment has a place in memory. */
  isInMemory(segment: number): boolean {
    return segment < this.#inMemory;
  }

  /** Lets the values of a segment in memory go, its place kept: who asks has them in a form of its own. */
  letGo(segment: number): void {
    this.#values.delete(segment);
  }

  /** Replaces a segment. The array belongs to the store from now on. Throws ClaqError as SpillFile does. */
  write(segment: number, values: Float32Array): void {
    const length = this.#length(segment);
    if (values.length !== length) {
      throw new RangeError(`segment ${segment} has ${length} values, not ${values.length}`);
    }
    if (segment < this.#inMemory) this.#values.set(segment, values);
    else this.#spill(segment, 0, values);
  }

  /** Copies values into a segment, from value `from` on; what was never written is 0. Throws ClaqError as SpillFile does. */
  writePart(segment: number, from: number, values: Float32Array): void {
    const length = this.#length(segment);
    if (from + values.length > length) throw new RangeError(`segment ${segment} has only ${length} values`);
    if (segment >= this.#inMemory) {
      this.#spill(segment, from, values);
      return;
    }
    const known = this.#values.get(segment) ?? new Float32Array(length);
    known.set(values, from);
    this.#values.set(segment, known);
  }

  /** Gives memory and file back. The store is empty then, and not to be used any more. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#values.clear();
    this.#written.clear();
    this.#memory.giveBack(this.#taken);
    this.#file?.close();
    this.#file = undefined;
  }

  #spill(segment: number, from: number, values: Float32Array): void {
    this.#spillFile().write(this.#slot(segment) + from, values);
    this.#written.add(segment);
  }

  #spillFile(): SpillFile {
    if (this.#disposed) throw new Error('the segments were disposed');
    return (this.#file ??= new SpillFile(this.#memory.spillFolder, this.#spilledLength));
  }

  #length(segment: number): number {
    const length = this.#lengths[segment];
    if (length === undefined) throw new RangeError(`no segment ${segment} among ${this.#lengths.length}`);
    return length;
  }

  #slot(segment: number): number {
    return this.#slots[segment] ?? 0;
  }
}

function notWritten(segment: number): Error {
  return new Error(`segment ${segment} has not come this far`);
}

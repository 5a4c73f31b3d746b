import * as tf from '@tensorflow/tfjs-core';
import { isHostBackend } from '../tensors/tensorflow/tensorflow-backend.ts';
import { type TokenRange, tokenRanges } from './batch-sizes.ts';
import { DeviceRoom, type Resident } from './device-room.ts';
import { HostMemory } from './host-memory.ts';
import { SegmentStore } from './segment-store.ts';

/**
 * The residual stream of all segments, in host memory and, beyond its budget, on the disk: a device holds one segment at a
 * time, and those that it has been given room for. These stay tensors, and so does, where the backend's memory is the host's,
 * what has its place there: nothing is copied out and in again. Their places are kept, so that they can leave the device.
 * Any other [T, width] activations of the segments (the inputs of a group of matrices) are kept the same way.
 */
export class HiddenStates implements Resident {
  readonly width: number;
  /** Number of tokens of each segment. */
  readonly lengths: readonly number[];
  readonly memory: HostMemory;
  readonly room: DeviceRoom;
  readonly #store: SegmentStore;
  readonly #isOnHost: boolean;
  /** Segments that the device has room for, from the first on, and the bytes that are taken for them. */
  #staying = 0;
  #taken = 0;
  /** Of segments whose values in the store do not count. */
  readonly #tensors = new Map<number, tf.Tensor2D>();

  /** Without values yet. Whoever makes them disposes them. */
  constructor(
    width: number,
    lengths: readonly number[],
    memory: HostMemory = new HostMemory(),
    room: DeviceRoom = new DeviceRoom(),
  ) {
    this.width = width;
    this.lengths = [...lengths];
    this.memory = memory;
    this.room = room;
    this.#isOnHost = isHostBackend();
    this.#store = new SegmentStore(
      lengths.map((length) => length * width),
      memory,
    );
    if (!this.#isOnHost) this.#settle();
  }

  get segments(): number {
    return this.lengths.length;
  }

  /** Number of tokens of a segment. */
  length(segment: number): number {
    const length = this.lengths[segment];
    if (length === undefined) throw new RangeError(`no segment ${segment} among ${this.segments}`);
    return length;
  }

  /**
   * The segment's values or those of some of its tokens, [tokens, width] row-major. Not to be changed: a backend may still
   * read them. Throws ClaqError as SpillFile does, like all that reads and stores.
   */
  values(segment: number, { from, to }: TokenRange = this.#whole(segment)): Float32Array {
    const tensor = this.#tensors.get(segment);
    if (tensor === undefined) return this.#store.read(segment, from * this.width, to * this.width);
    return tensor.dataSync<'float32'>().subarray(from * this.width, to * this.width);
  }

  /** Puts the values of one token in their place, [width]. */
  setToken(segment: number, token: number, values: Float32Array): void {
    if (this.#tensors.has(segment)) this.#put(segment, this.values(segment).slice());
    this.#store.writePart(segment, token * this.width, values);
  }

  /** Uploads a segment or some of its tokens, [tokens, width]. The caller disposes the tensor. */
  upload(segment: number, rows: TokenRange = this.#whole(segment)): tf.Tensor2D {
    const tensor = this.#tensors.get(segment);
    const tokens = rows.to - rows.from;
    if (tensor === undefined) return tf.tensor2d(this.values(segment, rows), [tokens, this.width]);
    return tokens === tensor.shape[0]
      ? tf.clone(tensor)
      : tf.slice(tensor, [rows.from, 0], [tokens, this.width]);
  }

  /**
   * Stores what `step` makes of the segment's tokens, at most `tokens` of them at a time, [tokens, width]; runs it in tf.tidy.
   * Where it fails, the segment is as it was.
   */
  compute(segment: number, tokens: number, step: (rows: TokenRange) => tf.Tensor2D): void {
    const length = this.length(segment);
    if (tokens >= length) {
      const made = this.#made(step, { from: 0, to: length });
      if (this.#stays(segment)) this.#keep(segment, made);
      // A new array, not a copy into the old one, which an upload may share.
      else this.#put(segment, downloaded(made));
      return;
    }
    const values = new Float32Array(length * this.width);
    for (const rows of tokenRanges(length, tokens)) {
      values.set(downloaded(this.#made(step, rows)), rows.from * this.width);
    }
    this.#put(segment, values);
  }

  /** Replaces a segment by what `step` makes of its tokens, as in compute. */
  transform(
    segment: number,
    step: (hidden: tf.Tensor2D, rows: TokenRange) => tf.Tensor2D,
    tokens: number = this.length(segment),
  ): void {
    this.compute(segment, tokens, (rows) => step(this.upload(segment, rows), rows));
  }

  /** Nothing stays on the device from here on. Throws ClaqError as SpillFile does. */
  moveOut(): void {
    this.#giveRoomBack();
    for (const segment of [...this.#tensors.keys()]) this.#put(segment, this.values(segment));
  }

  /** Gives memory and disk back. */
  dispose(): void {
    this.#giveRoomBack();
    tf.dispose([...this.#tensors.values()]);
    this.#tensors.clear();
    this.#store.dispose();
  }

  #settle(): void {
    for (const length of this.lengths) {
      const bytes = length * this.width * Float32Array.BYTES_PER_ELEMENT;
      if (!this.room.take(bytes)) break;
      this.#staying++;
      this.#taken += bytes;
    }
    if (this.#staying > 0) this.room.settle(this);
  }

  #giveRoomBack(): void {
    this.room.giveBack(this.#taken);
    this.room.leave(this);
    this.#staying = 0;
    this.#taken = 0;
  }

  #stays(segment: number): boolean {
    return this.#isOnHost ? this.#store.isInMemory(segment) : segment < this.#staying;
  }

  /** Stores values in the place of what was there. */
  #put(segment: number, values: Float32Array): void {
    this.#store.write(segment, values);
    this.#tensors.get(segment)?.dispose();
    this.#tensors.delete(segment);
  }

  #keep(segment: number, tensor: tf.Tensor2D): void {
    this.#tensors.get(segment)?.dispose();
    // Made inside of somebody's tf.tidy, perhaps.
    this.#tensors.set(segment, tf.keep(tensor));
    this.#store.letGo(segment);
  }

  #whole(segment: number): TokenRange {
    return { from: 0, to: this.length(segment) };
  }

  /** What a step makes of these tokens; the caller's. */
  #made(step: (rows: TokenRange) => tf.Tensor2D, rows: TokenRange): tf.Tensor2D {
    const tensor = tf.tidy(() => step(rows));
    const [tokens, width] = tensor.shape;
    const expected = rows.to - rows.from;
    if (tokens === expected && width === this.width) return tensor;
    tensor.dispose();
    throw new Error(`expected [${expected}, ${this.width}], found [${tokens}, ${width}]`);
  }
}

function downloaded(tensor: tf.Tensor2D): Float32Array {
  try {
    return tensor.dataSync<'float32'>();
  } finally {
    tensor.dispose();
  }
}

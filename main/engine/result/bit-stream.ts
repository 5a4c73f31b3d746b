/** Numbers of a few bits one after another in bytes, lowest bit first: how codes, classes and positions are packed. */

/** Widest number that is written at once; wider ones do not occur (rows are counted in 32 bits). */
const MAX_WIDTH = 31;

export class BitWriter {
  readonly #bytes: Uint8Array;
  #bit = 0;

  /** @param bits exact length of the stream */
  constructor(bits: number) {
    this.#bytes = new Uint8Array(Math.ceil(bits / 8));
  }

  get bits(): number {
    return this.#bit;
  }

  write(value: number, width: number): void {
    let rest = value;
    let left = width;
    while (left > 0) {
      const at = this.#bit >>> 3;
      const shift = this.#bit & 7;
      const take = Math.min(8 - shift, left);
      this.#bytes[at] = (this.#bytes[at] ?? 0) | ((rest & ((1 << take) - 1)) << shift);
      rest >>>= take;
      left -= take;
      this.#bit += take;
    }
  }

  /** Values of one width, at most 8, one after another. */
  writeAll(values: Uint8Array, width: number): void {
    const bytes = this.#bytes;
    let at = this.#bit >>> 3;
    let held = bytes[at] ?? 0;
    let bits = this.#bit & 7;
    for (const value of values) {
      held |= value << bits;
      bits += width;
      if (bits >= 8) {
        bytes[at] = held;
        at += 1;
        held >>>= 8;
        bits -= 8;
      }
    }
    if (bits > 0) bytes[at] = held;
    this.#bit += values.length * width;
  }

  /** `zeros` zero bits and a one: how far the high part moved on. */
  writeUnary(zeros: number): void {
    this.#bit += zeros;
    this.write(1, 1);
  }

  /** Moves on to a bit: the rest of a stretch of known length stays zero. */
  skipTo(bit: number): void {
    this.#bit = bit;
  }

  /** The bytes; unused bits of the last one are zero. */
  finish(): Uint8Array {
    return this.#bytes;
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #bit = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** @param width at most 31 */
  read(width: number): number {
    if (width > MAX_WIDTH) throw new RangeError(`a number of ${width} bits`);
    let value = 0;
    let have = 0;
    while (have < width) {
      const shift = this.#bit & 7;
      const take = Math.min(8 - shift, width - have);
      const byte = this.#bytes[this.#bit >>> 3];
      if (byte === undefined) throw new RangeError('the bit stream is too short');
      value |= ((byte >>> shift) & ((1 << take) - 1)) << have;
      have += take;
      this.#bit += take;
    }
    return value;
  }

  /** Fills `values` with numbers of one width, at most 8. */
  readAll(values: Uint8Array, width: number): void {
    const bytes = this.#bytes;
    if (this.#bit + values.length * width > 8 * bytes.length)
      throw new RangeError('the bit stream is too short');
    const mask = (1 << width) - 1;
    let at = this.#bit >>> 3;
    let bits = 8 - (this.#bit & 7);
    let held = (bytes[at] ?? 0) >>> (8 - bits);
    for (let i = 0; i < values.length; i++) {
      if (bits < width) {
        at += 1;
        held |= (bytes[at] ?? 0) << bits;
        bits += 8;
      }
      values[i] = held & mask;
      held >>>= width;
      bits -= width;
    }
    this.#bit += values.length * width;
  }

  /** Zero bits before the next one. */
  readUnary(): number {
    let zeros = 0;
    while (this.read(1) === 0) zeros += 1;
    return zeros;
  }

  skipTo(bit: number): void {
    this.#bit = bit;
  }

  get bit(): number {
    return this.#bit;
  }
}

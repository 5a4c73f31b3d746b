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
    const start = (this.#bit & 7) === 0 ? readGroups(bytes, this.#bit >>> 3, values, width) : 0;
    const mask = (1 << width) - 1;
    const bit = this.#bit + start * width;
    let at = bit >>> 3;
    let bits = 8 - (bit & 7);
    let held = (bytes[at] ?? 0) >>> (8 - bits);
    for (let i = start; i < values.length; i++) {
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

/**
 * Fills the beginning of `values`, whole bytes at a time, where the width has such groups: several times as fast as one by one.
 * @returns how many are filled in
 */
function readGroups(bytes: Uint8Array, from: number, values: Uint8Array, width: number): number {
  let at = from;
  switch (width) {
    case 1: {
      const end = values.length & ~7;
      for (let i = 0; i < end; i += 8) {
        const eight = bytes[at++] ?? 0;
        for (let j = 0; j < 8; j++) values[i + j] = (eight >>> j) & 1;
      }
      return end;
    }
    case 2: {
      const end = values.length & ~3;
      for (let i = 0; i < end; i += 4) {
        const four = bytes[at++] ?? 0;
        values[i] = four & 3;
        values[i + 1] = (four >>> 2) & 3;
        values[i + 2] = (four >>> 4) & 3;
        values[i + 3] = four >>> 6;
      }
      return end;
    }
    case 3: {
      const end = values.length & ~7;
      for (let i = 0; i < end; i += 8) {
        const eight = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
        at += 3;
        for (let j = 0; j < 8; j++) values[i + j] = (eight >>> (3 * j)) & 7;
      }
      return end;
    }
    case 4: {
      const end = values.length & ~1;
      for (let i = 0; i < end; i += 2) {
        const two = bytes[at++] ?? 0;
        values[i] = two & 15;
        values[i + 1] = two >>> 4;
      }
      return end;
    }
    case 8:
      values.set(bytes.subarray(at, at + values.length));
      return values.length;
    default:
      return 0;
  }
}

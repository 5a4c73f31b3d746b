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

  /** Values of one width, at most 8, one after another; none needs more bits. */
  writeAll(values: Uint8Array, width: number): void {
    const bytes = this.#bytes;
    const start = (this.#bit & 7) === 0 ? writeGroups(values, width, bytes, this.#bit >>> 3) : 0;
    const bit = this.#bit + start * width;
    let at = bit >>> 3;
    let held = bytes[at] ?? 0;
    let bits = bit & 7;
    for (let i = start; i < values.length; i++) {
      held |= (values[i] ?? 0) << bits;
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
 * Writes the beginning of `values` as whole bytes, four codes from one load: several times as fast as one by one.
 * @returns how many are written; none where the width has no such groups, or `values` is not aligned
 */
function writeGroups(values: Uint8Array, width: number, bytes: Uint8Array, from: number): number {
  if (width === 8) {
    bytes.set(values, from);
    return values.length;
  }
  if (values.byteOffset % 4 !== 0 || width > 4) return 0;
  const fours = new Uint32Array(values.buffer, values.byteOffset, values.length >> 2);
  let at = from;
  switch (width) {
    case 1: {
      const pairs = fours.length & ~1;
      for (let i = 0; i < pairs; i += 2) {
        bytes[at++] = together(fours[i] ?? 0, 1) | (together(fours[i + 1] ?? 0, 1) << 4);
      }
      return 4 * pairs;
    }
    case 2:
      for (const four of fours) bytes[at++] = together(four, 2);
      return 4 * fours.length;
    case 3: {
      const pairs = fours.length & ~1;
      for (let i = 0; i < pairs; i += 2) {
        const eight = together(fours[i] ?? 0, 3) | (together(fours[i + 1] ?? 0, 3) << 12);
        bytes[at] = eight;
        bytes[at + 1] = eight >>> 8;
        bytes[at + 2] = eight >>> 16;
        at += 3;
      }
      return 4 * pairs;
    }
    case 4:
      for (const four of fours) {
        const both = together(four, 4);
        bytes[at] = both;
        bytes[at + 1] = both >>> 8;
        at += 2;
      }
      return 4 * fours.length;
    default:
      return 0;
  }
}

/** Numbers of `width` bits, each in a byte of its own, side by side: what `apart` takes apart. */
function together(four: number, width: number): number {
  const free = 8 - width;
  const mask = (1 << width) - 1;
  return (
    (four & mask) |
    ((four >>> free) & (mask << width)) |
    ((four >>> (2 * free)) & (mask << (2 * width))) |
    ((four >>> (3 * free)) & (mask << (3 * width)))
  );
}

/**
 * Fills the beginning of `values` from whole bytes, four codes with one store: several times as fast as one by one.
 * @returns how many are filled in; none where the width has no such groups, or `values` is not aligned
 */
function readGroups(bytes: Uint8Array, from: number, values: Uint8Array, width: number): number {
  if (width === 8) {
    values.set(bytes.subarray(from, from + values.length));
    return values.length;
  }
  if (values.byteOffset % 4 !== 0 || width > 4) return 0;
  const fours = new Uint32Array(values.buffer, values.byteOffset, values.length >> 2);
  let at = from;
  switch (width) {
    case 1: {
      const pairs = fours.length & ~1;
      for (let i = 0; i < pairs; i += 2) {
        const eight = bytes[at++] ?? 0;
        fours[i] = apart(eight & 15, 1);
        fours[i + 1] = apart(eight >>> 4, 1);
      }
      return 4 * pairs;
    }
    case 2:
      for (let i = 0; i < fours.length; i++) fours[i] = apart(bytes[at++] ?? 0, 2);
      return 4 * fours.length;
    case 3: {
      const pairs = fours.length & ~1;
      for (let i = 0; i < pairs; i += 2) {
        const eight = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
        at += 3;
        fours[i] = apart(eight & 0xfff, 3);
        fours[i + 1] = apart(eight >>> 12, 3);
      }
      return 4 * pairs;
    }
    case 4:
      for (let i = 0; i < fours.length; i++) {
        fours[i] = apart((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8), 4);
        at += 2;
      }
      return 4 * fours.length;
    default:
      return 0;
  }
}

/** Four numbers of `width` bits, each in a byte of its own. */
function apart(four: number, width: number): number {
  const mask = (1 << width) - 1;
  return (
    (four & mask) |
    (((four >>> width) & mask) << 8) |
    (((four >>> (2 * width)) & mask) << 16) |
    (((four >>> (3 * width)) & mask) << 24)
  );
}

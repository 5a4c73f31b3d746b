/**
 * Walks the header of a GGUF file and bounds each length before anything is made of it. What it lets through goes to the parser
 * of @huggingface/gguf, which believes lengths as far as its own limits and reads zeros behind a file's end.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 */
import { malformedGguf, shortened, unsupportedGguf } from './gguf-errors.ts';

/** The largest vocabularies (260,000 tokens with 510,000 merges) make 16 MB. The parser's buffer ends at 50,000,000 bytes. */
export const MAX_HEADER_BYTES = 48_000_000;

/** Models have some 50 entries of metadata; those that describe their calibration a few more. */
const MAX_ENTRIES = 10_000;

/** The largest models have 1,100 tensors, and mixtures of experts that were not stacked 20,000. */
const MAX_TENSORS = 65_536;

/** What the format allows for a key. */
const MAX_KEY_BYTES = 65_535;

/** Chat templates have 20 KB. The parser cuts a string of more than 500,000 bytes short where it crosses two of its reads. */
const MAX_STRING_BYTES = 400_000;

/** 510,000 merges are the most in use, and a million is the parser's own limit. */
const MAX_ARRAY_LENGTH = 1_000_000;

/** Of all arrays together. A score and a type for each of 260,000 tokens are the most in use; each number becomes eight bytes. */
const MAX_NUMBERS = 4_000_000;

/** ggml's limits on a tensor: GGML_MAX_NAME with its closing zero, GGML_MAX_DIMS. */
const MAX_NAME_BYTES = 64;
const MAX_DIMENSIONS = 4;

/** Magic, version, number of tensors, number of entries. */
const FIXED_BYTES = 4 + 4 + 8 + 8;
const ENTRY_COUNT_AT = 16;

/** Bytes of the value types of fixed size, by their number. */
const VALUE_BYTES: ReadonlyMap<number, number> = new Map([
  [0, 1], // u8
  [1, 1], // i8
  [2, 2], // u16
  [3, 2], // i16
  [4, 4], // u32
  [5, 4], // i32
  [6, 4], // f32
  [7, 1], // bool
  [10, 8], // u64
  [11, 8], // i64
  [12, 8], // f64
]);
const STRING = 8;
const ARRAY = 9;

/** An array of strings: where the first one's length stands in the header, and how many there are. */
export interface StringArraySpan {
  readonly position: number;
  readonly count: number;
}

export interface ScannedHeader {
  /** Up to the end of the tensor descriptions. */
  readonly bytes: number;
  /**
   * The header without its arrays of strings. These are decoded by `stringsOf`: they are nearly all of a header, and the
   * parser drops the byte order mark that a token may begin with.
   */
  readonly withoutStringArrays: Uint8Array<ArrayBuffer>;
  readonly stringArrays: ReadonlyMap<string, StringArraySpan>;
}

/**
 * @param start the file's first bytes
 * @param fileSize of the whole file, which no length may lead out of
 * @returns undefined where the header goes on behind `start`
 * @throws ClaqError weights/malformed; model/unsupported for a version or byte order that is not read.
 */
export function scanHeader(start: Uint8Array, fileSize: number, file: string): ScannedHeader | undefined {
  const cursor = new Cursor(start, fileSize, file);
  try {
    return scan(cursor, start, file);
  } catch (error) {
    if (error instanceof CutShort) return undefined;
    throw error;
  }
}

/** The strings of an array that the scan found. Throws ClaqError weights/malformed where one is not UTF-8. */
export function stringsOf(
  header: Uint8Array,
  { position, count }: StringArraySpan,
  key: string,
  file: string,
): string[] {
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const strings: string[] = [];
  let at = position;
  for (let index = 0; index < count; index++) {
    const length = Number(view.getBigUint64(at, true));
    at += 8;
    strings.push(decodeText(header.subarray(at, at + length), () => `${file}, ${shortened(key)}[${index}]`));
    at += length;
  }
  return strings;
}

function scan(cursor: Cursor, start: Uint8Array, file: string): ScannedHeader {
  checkStart(cursor, file);
  const tensors = cursor.count('tensors', MAX_TENSORS);
  const entries = cursor.count('entries of metadata', MAX_ENTRIES);
  const keys = new Set<string>();
  const stringArrays = new Map<string, StringArraySpan>();
  const kept: Uint8Array[] = [];
  for (let index = 0; index < entries; index++) {
    const begin = cursor.position;
    const key = cursor.text('a key', MAX_KEY_BYTES);
    if (keys.has(key)) throw twice(file, 'key', key);
    keys.add(key);
    const strings = scanValue(cursor, cursor.u32(), key, file);
    if (strings === undefined) kept.push(start.subarray(begin, cursor.position));
    else stringArrays.set(key, strings);
  }
  const described = cursor.position;
  const names = new Set<string>();
  for (let index = 0; index < tensors; index++) {
    const name = scanTensor(cursor, file);
    if (names.has(name)) throw twice(file, 'tensor', name);
    names.add(name);
  }
  kept.push(start.subarray(described, cursor.position));
  const fixed = start.slice(0, FIXED_BYTES);
  new DataView(fixed.buffer).setBigUint64(ENTRY_COUNT_AT, BigInt(entries - stringArrays.size), true);
  return {
    bytes: cursor.position,
    withoutStringArrays: joined([fixed, ...kept]),
    stringArrays,
  };
}

/** Magic and version. */
function checkStart(cursor: Cursor, file: string): void {
  const magic = cursor.ascii(4);
  if (magic !== 'GGUF') {
    throw malformedGguf(file, 'The file is not a GGUF file', {
      expected: 'a file that begins with GGUF',
      found: `one that begins with ${JSON.stringify(magic)}`,
    });
  }
  const version = cursor.u32();
  // Versions are small numbers, so one that is large the one way and small the other is in the other byte order.
  if ((version & 0xffff) === 0) {
    throw unsupportedGguf(file, 'The GGUF file is big-endian', {
      expected: 'a little-endian file',
      found: 'one for big-endian machines',
    });
  }
  if (version !== 2 && version !== 3) {
    throw unsupportedGguf(file, 'The GGUF file is of a version that is not supported', {
      expected: 'version 2 or 3',
      found: `version ${version}`,
    });
  }
}

/** Steps over a value; says where the strings of an array stand. */
function scanValue(cursor: Cursor, type: number, key: string, file: string): StringArraySpan | undefined {
  const bytes = VALUE_BYTES.get(type);
  if (bytes !== undefined) cursor.skip(bytes);
  else if (type === STRING) cursor.skip(cursor.length(`the value of ${shortened(key)}`, MAX_STRING_BYTES));
  else if (type === ARRAY) return scanArray(cursor, key, file);
  else throw unknownType(file, key, `type ${type}`);
  return undefined;
}

function scanArray(cursor: Cursor, key: string, file: string): StringArraySpan | undefined {
  const type = cursor.u32();
  const count = cursor.length(`the array ${shortened(key)}`, MAX_ARRAY_LENGTH, 'elements');
  const bytes = VALUE_BYTES.get(type);
  if (bytes !== undefined) {
    cursor.skip(count * bytes);
    cursor.countNumbers(count);
    return undefined;
  }
  if (type !== STRING) throw unknownType(file, key, type === ARRAY ? 'arrays in an array' : `type ${type}`);
  const { position } = cursor;
  for (let index = 0; index < count; index++) {
    cursor.skip(cursor.length(`a string of ${shortened(key)}`, MAX_STRING_BYTES));
  }
  return { position, count };
}

/** Steps over a tensor's description and returns its name. Sizes and offsets are checked when they are parsed. */
function scanTensor(cursor: Cursor, file: string): string {
  const name = cursor.text("a tensor's name", MAX_NAME_BYTES);
  const dimensions = cursor.u32();
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw malformedGguf(
      file,
      `The tensor ${shortened(name)} has a number of dimensions that the format does not allow`,
      {
        expected: `1 to ${MAX_DIMENSIONS}`,
        found: `${dimensions}`,
      },
    );
  }
  const afterDimensions = 4 + 8; // type, offset
  cursor.skip(8 * dimensions + afterDimensions);
  return name;
}

/** The header goes on behind the bytes that were read so far. */
class CutShort extends Error {}

/** Reads forward, and never behind the bytes that are there. */
class Cursor {
  position = 0;
  #numbers = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #fileSize: number;
  readonly #file: string;

  constructor(bytes: Uint8Array, fileSize: number, file: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileSize = fileSize;
    this.#file = file;
  }

  skip(bytes: number): void {
    const end = this.position + bytes;
    if (end > this.#fileSize) {
      throw malformedGguf(this.#file, 'The GGUF file ends inside its header', {
        expected: `${end} bytes or more`,
        found: `${this.#fileSize} bytes`,
      });
    }
    if (end > MAX_HEADER_BYTES) {
      throw malformedGguf(this.#file, 'The header of the GGUF file is longer than a header can be', {
        expected: `at most ${MAX_HEADER_BYTES} bytes`,
        found: `${end} bytes or more`,
      });
    }
    if (end > this.#bytes.length) throw new CutShort();
    this.position = end;
  }

  u32(): number {
    this.skip(4);
    return this.#view.getUint32(this.position - 4, true);
  }

  ascii(bytes: number): string {
    return new TextDecoder('latin1').decode(this.#take(bytes));
  }

  /** A length, in bytes or elements, that is believed. */
  length(of: string, limit: number, unit = 'bytes'): number {
    this.skip(8);
    const length = this.#view.getBigUint64(this.position - 8, true);
    if (length <= BigInt(limit)) return Number(length);
    throw malformedGguf(this.#file, `The header of the GGUF file gives ${of} a length that cannot be`, {
      expected: `at most ${limit} ${unit}`,
      found: `${length} ${unit}`,
    });
  }

  countNumbers(count: number): void {
    this.#numbers += count;
    if (this.#numbers <= MAX_NUMBERS) return;
    throw malformedGguf(this.#file, 'The header of the GGUF file holds more numbers than a header can', {
      expected: `at most ${MAX_NUMBERS} in all arrays`,
      found: `${this.#numbers} or more`,
    });
  }

  count(of: string, limit: number): number {
    return this.length(`its ${of}`, limit, of);
  }

  text(what: string, limit: number): string {
    const length = this.length(what, limit);
    return decodeText(this.#take(length), () => `${this.#file}, ${what}`);
  }

  #take(bytes: number): Uint8Array {
    this.skip(bytes);
    return this.#bytes.subarray(this.position - bytes, this.position);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes: Uint8Array, where: () => string): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformedGguf(where(), 'The header of the GGUF file has text that is not UTF-8', {
      expected: 'UTF-8',
      found: `${bytes.length} bytes of something else`,
    });
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function twice(file: string, what: string, name: string): Error {
  return malformedGguf(file, `The header of the GGUF file has the same ${what} twice`, {
    expected: `every ${what} once`,
    found: `${shortened(name)} again`,
  });
}

function unknownType(file: string, key: string, found: string): Error {
  return malformedGguf(file, `The value of ${shortened(key)} in the GGUF file is of an unknown type`, {
    expected: 'numbers, truth values, strings, and arrays of these',
    found,
  });
}

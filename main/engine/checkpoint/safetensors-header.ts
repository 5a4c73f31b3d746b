/**
 * The header of a safetensors file: u64 little-endian length N, then N bytes of UTF-8 JSON that name each tensor's dtype,
 * shape and place in the data behind it. Nothing in it is believed before it is checked against the file's size.
 * Format: https://github.com/huggingface/safetensors#format
 */
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import { firstDuplicateKey } from './duplicate-keys.ts';
import { bytesPerElement, elementCount, isStoredDtype, shapeText } from './safetensors-dtype.ts';
import type { StoredDtype } from './safetensors-dtype.ts';

/** Bytes of the u64 before the JSON. */
export const LENGTH_BYTES = 8;

/** The format's own limit on the JSON, there to keep a hostile file from exhausting the parser. */
export const MAX_HEADER_BYTES = 100_000_000;

export interface StoredTensor {
  readonly name: string;
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Offset of the first byte from the start of the file. */
  readonly position: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Which file a header belongs to, and which error it is when the header is wrong. */
export interface HeaderSource {
  readonly file: string;
  readonly code: 'weights/malformed' | 'result/malformed';
  /** What the user can do about a file that is not as it should be. */
  readonly remedy: string;
}

const METADATA_KEY = '__metadata__';

const size = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);
const tensorSchema = z.object({
  dtype: z.string(),
  shape: z.array(size),
  data_offsets: z.tuple([size, size]),
});
const metadataSchema = z.record(z.string(), z.string());
const objectSchema = z.custom<object>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);

/**
 * Length of the JSON in bytes.
 * @param start the file's first bytes
 * @param fileSize size of the whole file in bytes
 */
export function headerLength(start: Uint8Array, fileSize: number, source: HeaderSource): number {
  if (start.length < LENGTH_BYTES || fileSize < LENGTH_BYTES) {
    throw malformed(source, 'The file is too short to be a safetensors file', {
      expected: `at least ${LENGTH_BYTES} bytes`,
      found: `${fileSize} bytes`,
    });
  }
  const length = new DataView(start.buffer, start.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    throw malformed(source, 'The header of the safetensors file is longer than the format allows', {
      expected: `at most ${MAX_HEADER_BYTES} bytes`,
      found: `${length.toString()} bytes`,
    });
  }
  if (length > BigInt(fileSize - LENGTH_BYTES)) {
    throw malformed(source, 'The safetensors file ends inside its header', {
      expected: `${LENGTH_BYTES + Number(length)} bytes or more`,
      found: `${fileSize} bytes`,
    });
  }
  return Number(length);
}

/**
 * Parses and checks the JSON: every tensor's extent equals its shape times its dtype's size, and the extents together cover
 * the data exactly, without a hole or an overlap.
 * @param json the bytes of the JSON alone
 */
export function parseHeader(json: Uint8Array, fileSize: number, source: HeaderSource): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + json.length;
  const dataBytes = fileSize - dataStart;
  const entries = Object.entries(parseObject(json, source));
  const metadata = new Map<string, string>();
  const tensors: StoredTensor[] = [];
  for (const [name, value] of entries) {
    if (name === METADATA_KEY) {
      for (const [key, text] of parseMetadata(value, source)) metadata.set(key, text);
    } else {
      tensors.push(parseTensor(name, value, { dataStart, dataBytes }, source));
    }
  }
  // Empty tensors share their position with their neighbour: they come first.
  tensors.sort((a, b) => a.position - b.position || a.bytes - b.bytes);
  checkCoverage(tensors, { dataStart, dataBytes }, source);
  return { tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata };
}

interface DataExtent {
  readonly dataStart: number;
  readonly dataBytes: number;
}

function parseObject(json: Uint8Array, source: HeaderSource): object {
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(source, 'The header of the safetensors file is not JSON', {
      expected: 'a JSON object in UTF-8',
      found: cause instanceof Error ? cause.message : String(cause),
    });
  }
  const parsed = objectSchema.safeParse(value);
  if (!parsed.success || !text.startsWith('{')) {
    throw malformed(source, 'The header of the safetensors file is not a JSON object', {
      expected: 'text that begins with {',
      found: `text that begins with ${JSON.stringify(text.slice(0, 20))}`,
    });
  }
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) {
    throw malformed(source, 'The header of the safetensors file has the same key twice', {
      expected: 'every key once',
      found: `"${shortened(duplicate)}" again`,
    });
  }
  return parsed.data;
}

function parseMetadata(value: unknown, source: HeaderSource): [string, string][] {
  const parsed = metadataSchema.safeParse(value);
  if (!parsed.success) {
    throw malformed(source, `${METADATA_KEY} of the safetensors file is not what the format allows`, {
      expected: 'an object whose values are strings',
      found: shortened(JSON.stringify(value)),
    });
  }
  return Object.entries(parsed.data);
}

function parseTensor(
  name: string,
  value: unknown,
  { dataStart, dataBytes }: DataExtent,
  source: HeaderSource,
): StoredTensor {
  const here = { ...source, file: `${source.file}, tensor ${shortened(name)}` };
  const parsed = tensorSchema.safeParse(value);
  if (!parsed.success) {
    throw malformed(here, 'The header of the safetensors file describes a tensor wrongly', {
      expected: '{"dtype", "shape", "data_offsets": [begin, end]} with whole numbers',
      found: shortened(JSON.stringify(value)),
    });
  }
  const { dtype, shape, data_offsets: offsets } = parsed.data;
  const [begin, end] = offsets;
  if (!isStoredDtype(dtype)) {
    const summary = 'The file holds a tensor of a dtype that is not supported';
    const expected = 'F32, F16 or BF16 (whole-byte integers are passed over)';
    // Weights may well be of another dtype; a result never is.
    if (source.code === 'result/malformed')
      throw malformed(here, summary, { expected, found: shortened(dtype) });
    throw new ClaqError('weights/unsupported-dtype', summary, {
      where: here.file,
      expected,
      found: shortened(dtype),
      remedy: 'save the model with float16, bfloat16 or float32 weights',
    });
  }
  if (begin > end || end > dataBytes) {
    throw malformed(here, 'A tensor lies outside the data of the safetensors file', {
      expected: `offsets from 0 to ${dataBytes}, the bytes that follow the header`,
      found: `[${begin}, ${end}]`,
    });
  }
  const elements = elementCount(shape);
  const bytes = elements === undefined ? undefined : elements * bytesPerElement(dtype);
  if (bytes !== end - begin) {
    throw malformed(here, "A tensor's extent in the safetensors file does not fit its shape", {
      expected: `${bytes === undefined ? 'more than 2^53' : bytes} bytes for ${dtype} ${shortened(shapeText(shape))}`,
      found: `${end - begin} bytes`,
    });
  }
  return { name, dtype, shape, position: dataStart + begin, bytes };
}

/** Walks the tensors in the order of their bytes: each must begin where the last one ended, and the last at the file's end. */
function checkCoverage(
  tensors: readonly StoredTensor[],
  { dataStart, dataBytes }: DataExtent,
  source: HeaderSource,
): void {
  let covered = dataStart;
  let before = 'the header';
  for (const tensor of tensors) {
    if (tensor.position !== covered) {
      const overlap = tensor.position < covered;
      throw malformed(
        source,
        `The safetensors file has ${overlap ? 'overlapping tensors' : 'a hole between tensors'}`,
        {
          expected: `${shortened(tensor.name)} to begin where ${before} ends, at data offset ${covered - dataStart}`,
          found: `${tensor.position - dataStart}`,
        },
      );
    }
    covered += tensor.bytes;
    before = shortened(tensor.name);
  }
  if (covered !== dataStart + dataBytes) {
    throw malformed(source, 'The safetensors file has bytes that belong to no tensor', {
      expected: `${covered - dataStart} bytes after the header, where ${before} ends`,
      found: `${dataBytes} bytes`,
    });
  }
}

/** A hostile header must not flood the terminal. */
function shortened(text: string): string {
  return text.length <= 120 ? text : `${text.slice(0, 120)}...`;
}

function malformed(
  source: HeaderSource,
  summary: string,
  details: { expected: string; found: string },
): ClaqError {
  return new ClaqError(source.code, summary, { where: source.file, remedy: source.remedy, ...details });
}

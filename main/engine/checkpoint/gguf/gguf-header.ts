/**
 * The header of a GGUF file: bounded by `header-scan.ts`, parsed by @huggingface/gguf, and its tensors checked against the file's
 * size before a byte of them is read.
 */
import { gguf } from '@huggingface/gguf';
import type { GGUFParseOutput } from '@huggingface/gguf';
import { elementCount, shapeText } from '../safetensors-dtype.ts';
import { ggmlType } from './ggml-types.ts';
import type { GgmlType } from './ggml-types.ts';
import { GgufMetadata } from './gguf-metadata.ts';
import { malformedGguf, shortened } from './gguf-errors.ts';
import { scanHeader, stringsOf } from './header-scan.ts';
import type { ScannedHeader } from './header-scan.ts';

export interface GgufTensor {
  /** As ggml names it: `blk.0.attn_q.weight`. */
  readonly name: string;
  readonly type: GgmlType;
  /** Row-major, as Hugging Face has it: ggml's dimensions from the last to the first. */
  readonly shape: readonly number[];
  /** Offset of the first byte from the start of the file. */
  readonly position: number;
  readonly bytes: number;
}

export interface GgufHeader {
  readonly metadata: GgufMetadata;
  /** In the order of their bytes in the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
}

const ALIGNMENT_KEY = 'general.alignment';
const DEFAULT_ALIGNMENT = 32;
/** Files are aligned to 32 bytes, or to a page at most. */
const MAX_ALIGNMENT = 2 ** 16;

/** The parser only knows addresses. What it asks this one for is answered from memory. */
const IN_MEMORY = 'https://header.invalid/';

/**
 * @param start the file's first bytes
 * @returns undefined where the header goes on behind `start`
 * @throws ClaqError weights/malformed, weights/unsupported-dtype, model/unsupported
 */
export async function parseGgufHeader(
  start: Uint8Array,
  fileSize: number,
  file: string,
): Promise<GgufHeader | undefined> {
  const scanned = scanHeader(start, fileSize, file);
  if (scanned === undefined) return undefined;
  const parsed = await parseScanned(scanned, file);
  const header = start.slice(0, scanned.bytes);
  const metadata = new GgufMetadata(file, new Map(Object.entries(parsed.metadata)), {
    keys: new Set(scanned.stringArrays.keys()),
    read: (key) => {
      const span = scanned.stringArrays.get(key);
      return span === undefined ? undefined : stringsOf(header, span, key, file);
    },
  });
  const alignment = alignmentOf(metadata, file);
  const dataStart = Math.ceil(scanned.bytes / alignment) * alignment;
  const tensors = parsed.tensorInfos
    .map((info) => placedTensor(info, { dataStart, alignment, fileSize, file }))
    .sort((a, b) => a.position - b.position);
  refuseOverlaps(tensors, file);
  return { metadata, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

async function parseScanned(
  { withoutStringArrays: header }: ScannedHeader,
  file: string,
): Promise<GGUFParseOutput<{ strict: false }>> {
  const answer: typeof fetch = (_address, options) => {
    const range = new Headers(options?.headers).get('range');
    const [, from = 0, last = -1] = (/^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []).map(Number);
    return Promise.resolve(new Response(header.subarray(from, last + 1)));
  };
  try {
    return await gguf(IN_MEMORY, { fetch: answer });
  } catch (cause) {
    throw malformedGguf(file, 'The header of the GGUF file cannot be parsed', {
      expected: 'a header as the format describes it',
      found: shortened(cause instanceof Error ? cause.message : String(cause)),
    });
  }
}

function alignmentOf(metadata: GgufMetadata, file: string): number {
  const alignment = metadata.count(ALIGNMENT_KEY) ?? DEFAULT_ALIGNMENT;
  if (alignment >= 1 && alignment <= MAX_ALIGNMENT && Number.isInteger(Math.log2(alignment)))
    return alignment;
  throw malformedGguf(`${file}, ${ALIGNMENT_KEY}`, 'The GGUF file has an alignment that cannot be', {
    expected: `a power of two up to ${MAX_ALIGNMENT}`,
    found: `${alignment}`,
  });
}

interface DataExtent {
  readonly dataStart: number;
  readonly alignment: number;
  readonly fileSize: number;
  readonly file: string;
}

type TensorInfo = GGUFParseOutput['tensorInfos'][number];

function placedTensor(
  { name, shape: dimensions, dtype, offset }: TensorInfo,
  { dataStart, alignment, fileSize, file }: DataExtent,
): GgufTensor {
  const where = `${file}, tensor ${shortened(name)}`;
  const shape = dimensions.map(Number).reverse();
  const elements = elementCount(shape);
  if (elements === undefined || elements === 0) {
    throw malformedGguf(where, 'A tensor of the GGUF file has a shape that cannot be', {
      expected: 'from 1 to 2^53 values',
      found: shapeText(shape),
    });
  }
  const type = ggmlType(dtype, shortened(name), file);
  const columns = shape.at(-1) ?? 1;
  if (columns % type.blockValues !== 0) {
    throw malformedGguf(where, "A tensor's rows in the GGUF file do not fit its type", {
      expected: `rows of a multiple of ${type.blockValues} values, as ${type.name} has them`,
      found: shapeText(shape),
    });
  }
  const bytes = (elements / type.blockValues) * type.blockBytes;
  if (
    offset % BigInt(alignment) !== 0n ||
    offset > BigInt(fileSize) ||
    dataStart + Number(offset) + bytes > fileSize
  ) {
    throw malformedGguf(where, 'A tensor lies outside the data of the GGUF file', {
      expected: `${bytes} bytes at a multiple of ${alignment}, within the ${Math.max(0, fileSize - dataStart)} that follow the header`,
      found: `offset ${offset}`,
    });
  }
  return { name, type, shape, position: dataStart + Number(offset), bytes };
}

function refuseOverlaps(tensors: readonly GgufTensor[], file: string): void {
  for (const [index, { name, position, bytes }] of tensors.entries()) {
    const next = tensors[index + 1];
    if (next === undefined || next.position >= position + bytes) continue;
    throw malformedGguf(file, 'The GGUF file has overlapping tensors', {
      expected: `${shortened(next.name)} behind the ${bytes} bytes of ${shortened(name)}`,
      found: `it ${next.position - position} bytes behind their start`,
    });
  }
}

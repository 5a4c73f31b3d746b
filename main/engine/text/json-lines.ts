import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { z } from 'zod';
import { ClaqError } from '../../../shared/errors.ts';
import type { CorpusFile } from './corpus.ts';
import { DOCUMENT_LIMIT_BYTES, documentTooLong } from './document-limits.ts';
import { decodeUtf8 } from './utf8.ts';

/** Read from disk at a time: large enough that the calls do not count, small enough not to show in memory. */
const CHUNK_BYTES = 2 ** 18;
const NEWLINE = 0x0a;

const Line = z.object({ text: z.string() });

/**
 * The documents of a file of JSON lines, each the field `text` of a line; blank lines are passed over. A gzipped file
 * is unpacked as it is read. `onBytes` is told how much of the file has been read. Throws ClaqError text/malformed.
 */
export async function* readJsonLines(
  file: CorpusFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  let number = 0;
  for await (const line of splitLines(readChunks(file, onBytes), file.path)) {
    number += 1;
    const text = decodeUtf8(line, `${file.path}, line ${number}`);
    if (text.trim() !== '') yield parseLine(text, `${file.path}, line ${number}`);
  }
}

async function* readChunks(file: CorpusFile, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const source = createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  const gzipped = file.format === 'gzipped-json-lines';
  // pipeline() hands the source's errors on and closes it when the reader stops early; the loop below meets the error.
  const chunks = gzipped ? pipeline(source, createGunzip(), () => undefined) : source;
  try {
    for await (const chunk of chunks) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('A binary stream gave something else than a buffer');
      onBytes(source.bytesRead);
      yield chunk;
    }
  } catch (cause) {
    if (!gzipped || !(cause instanceof Error) || !('code' in cause) || !String(cause.code).startsWith('Z_'))
      throw cause;
    throw new ClaqError('text/malformed', 'The file cannot be unpacked', {
      where: file.path,
      expected: 'a whole gzip file',
      found: cause.message,
      remedy: 'Fetch the file again',
      cause,
    });
  }
}

/** The lines without their ends. A last line needs no newline. */
async function* splitLines(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Uint8Array> {
  let parts: Buffer[] = [];
  let held = 0;
  let number = 1;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const tail = chunk.subarray(start, end);
      yield parts.length === 0 ? tail : Buffer.concat([...parts, tail]);
      parts = [];
      held = 0;
      number += 1;
      start = end + 1;
    }
    if (start < chunk.length) {
      parts.push(chunk.subarray(start));
      held += chunk.length - start;
      if (held > DOCUMENT_LIMIT_BYTES) throw documentTooLong(`${path}, line ${number}`);
    }
  }
  if (held > 0) yield Buffer.concat(parts);
}

function parseLine(line: string, where: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw malformedLine(where, 'a line that is not JSON', cause);
  }
  const parsed = Line.safeParse(value);
  if (!parsed.success) throw malformedLine(where, describe(value), parsed.error);
  return parsed.data.text;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `a ${typeof value}`;
  if ('text' in value)
    return `a field \`text\` that is ${value.text === null ? 'null' : `of type ${typeof value.text}`}`;
  return `the fields ${Object.keys(value).slice(0, 8).join(', ') || '(none)'}`;
}

function malformedLine(where: string, found: string, cause: unknown): ClaqError {
  return new ClaqError('text/malformed', 'A line is not a document', {
    where,
    expected: 'a JSON object with a field `text` that is a string',
    found,
    remedy: 'Mend or remove the line',
    cause,
  });
}

import type { ColumnMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/** A row group's texts are unpacked at once. Writers aim at 128 MB to 1 GB for all columns of a group together. */
const CHUNK_LIMIT_BYTES = 2 ** 30;

/** Writers put 1,000 (Hugging Face) to 1,048,576 (Arrow) rows in a group. */
const ROWS_LIMIT = 2 ** 24;

/** What a Parquet file says of its texts and what cannot be. The caller knows the file and makes the error. */
export class PagesError extends Error {
  readonly expected: string;
  readonly found: string;

  constructor(expected: string, found: string) {
    super(`Expected ${expected}, found ${found}`);
    this.expected = expected;
    this.found = found;
  }
}

/** Where the pages of a row group's column lie in the file: [start, end). Throws PagesError. */
export function chunkRange(
  chunk: ColumnMetaData,
  rows: bigint,
  fileBytes: number,
): { start: number; end: number } {
  const start = inRange(
    chunk.dictionary_page_offset ?? chunk.data_page_offset,
    fileBytes,
    "the column's offset",
  );
  const size = inRange(
    chunk.total_compressed_size,
    Math.min(CHUNK_LIMIT_BYTES, fileBytes - start),
    "the column's bytes",
  );
  inRange(chunk.total_uncompressed_size, CHUNK_LIMIT_BYTES, "the column's unpacked bytes");
  inRange(rows, ROWS_LIMIT, 'rows in a row group');
  return { start, end: start + size };
}

/**
 * Goes through the headers of a column's pages before the reader does, which believes them: each page lies inside the
 * chunk, and together they hold as many values as the row group has rows. Throws PagesError, or what the reader throws
 * for a header that it cannot parse.
 */
export function checkPages(chunk: ArrayBuffer, rows: number): void {
  const reader = { view: new DataView(chunk), offset: 0 };
  let values = 0;
  while (values < rows) {
    const header = parquetHeader(reader);
    const left = chunk.byteLength - reader.offset;
    const size = inRange(header.compressed_page_size, left, "a page's bytes");
    const unpacked = inRange(header.uncompressed_page_size, CHUNK_LIMIT_BYTES, "a page's unpacked bytes");
    const { data_page_header: v1, data_page_header_v2: v2, dictionary_page_header: dictionary } = header;
    if (header.type === 'DATA_PAGE') {
      values += inRange(v1?.num_values, rows - values, "a page's values");
    } else if (header.type === 'DATA_PAGE_V2') {
      const inPage = inRange(v2?.num_values, rows - values, "a page's values");
      inRange(v2?.num_nulls, inPage, "a page's missing values");
      inRange(v2?.repetition_levels_byte_length, 0, 'repetition levels of a flat column, in bytes');
      inRange(v2?.definition_levels_byte_length, Math.min(size, unpacked), 'definition levels, in bytes');
      values += inPage;
    } else {
      // Every entry has at least its own length before it, 4 bytes.
      inRange(dictionary?.num_values, unpacked / 4, "a dictionary's entries");
    }
    reader.offset += size;
  }
}

function inRange(value: number | bigint | undefined, limit: number, what: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0 && number <= limit) return number;
  throw new PagesError(`${what}: 0 to ${Math.floor(limit)}`, value === undefined ? 'nothing' : String(value));
}

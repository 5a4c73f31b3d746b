import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects, parquetSchema } from 'hyparquet';
import type { AsyncBuffer, FileMetaData, RowGroup } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ClaqError } from '../../../shared/errors.ts';
import type { CorpusFile } from './corpus.ts';
import { DOCUMENT_LIMIT_BYTES, documentTooLong } from './document-limits.ts';
import { checkPages, chunkRange, PagesError } from './parquet-pages.ts';
import { decodeUtf8 } from './utf8.ts';

const COLUMN = 'text';

/**
 * The documents of a Parquet file: the column `text`, row group by row group. `onBytes` is told how much of the file
 * is done, as the share of its rows. Throws ClaqError text/malformed.
 */
export async function* readParquet(
  file: CorpusFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  const buffer = await asyncBufferFromFile(file.path);
  const metadata = await understand(file.path, async () => checkColumn(await parquetMetadataAsync(buffer)));
  let row = 0;
  for (const group of metadata.row_groups) {
    const rowStart = row;
    const texts = await understand(file.path, () => readTexts(file.path, buffer, metadata, group, rowStart));
    for (const text of texts) {
      row += 1;
      if (typeof text !== 'string') throw noText(file.path, row, text);
      if (text.length > DOCUMENT_LIMIT_BYTES) throw documentTooLong(`${file.path}, row ${row}`);
      yield text;
    }
    onBytes(Math.round((file.size * row) / Math.max(1, Number(metadata.num_rows))));
  }
}

/** The texts of one row group, whose pages have been looked through first. */
async function readTexts(
  path: string,
  file: AsyncBuffer,
  metadata: FileMetaData,
  group: RowGroup,
  rowStart: number,
): Promise<unknown[]> {
  const rows = Number(group.num_rows);
  const column = group.columns.find(
    ({ meta_data }) => meta_data?.path_in_schema.join('.') === COLUMN,
  )?.meta_data;
  if (column === undefined) throw new PagesError(`a column \`${COLUMN}\` in every row group`, 'none');
  const { start, end } = chunkRange(column, group.num_rows, file.byteLength);
  const chunk = await file.slice(start, end);
  checkPages(chunk, rows);
  const objects: Record<string, unknown>[] = await parquetReadObjects({
    file: withChunk(file, chunk, start),
    metadata,
    columns: [COLUMN],
    rowStart,
    rowEnd: rowStart + rows,
    compressors,
    parsers: { stringFromBytes: (bytes: Uint8Array) => decodeUtf8(bytes, `${path}, column \`${COLUMN}\``) },
  });
  if (objects.length !== rows) throw new PagesError(`${rows} rows in a row group`, `${objects.length} rows`);
  return objects.map((object) => object[COLUMN]);
}

/** The file, of which this part is in memory: what was checked is what is read. */
function withChunk(file: AsyncBuffer, chunk: ArrayBuffer, chunkStart: number): AsyncBuffer {
  const chunkEnd = chunkStart + chunk.byteLength;
  return {
    byteLength: file.byteLength,
    slice: (start, end = file.byteLength) =>
      start >= chunkStart && end <= chunkEnd
        ? chunk.slice(start - chunkStart, end - chunkStart)
        : file.slice(start, end),
  };
}

/** The reader throws plain errors about what it cannot make sense of: they are about the file. */
async function understand<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof ClaqError) throw cause;
    if (cause instanceof PagesError) throw malformed(path, cause.expected, cause.found);
    throw malformed(
      path,
      'a whole Parquet file',
      cause instanceof Error ? cause.message : String(cause),
      cause,
    );
  }
}

/** Returns the metadata of a file that has the column. */
function checkColumn(metadata: FileMetaData): FileMetaData {
  const columns = parquetSchema(metadata).children;
  const column = columns.find((child) => child.element.name === COLUMN);
  if (column?.element.type === 'BYTE_ARRAY' && column.element.repetition_type !== 'REPEATED') return metadata;
  const names = columns.map((child) => child.element.name).slice(0, 8);
  const found = column === undefined ? `the columns ${names.join(', ')}` : 'a column `text` of another type';
  throw new PagesError(`a column \`${COLUMN}\` of strings`, found);
}

function noText(path: string, row: number, found: unknown): ClaqError {
  const kind = found === null || found === undefined ? 'no value' : `a value of type ${typeof found}`;
  return malformed(`${path}, row ${row}`, 'a text in every row', kind);
}

function malformed(where: string, expected: string, found: string, cause?: unknown): ClaqError {
  const remedy = 'Fetch the file again, or write it with a column `text` of strings';
  return new ClaqError('text/malformed', 'The Parquet file cannot be read', {
    where,
    expected,
    found,
    remedy,
    cause,
  });
}

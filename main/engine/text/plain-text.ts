import { readFile } from 'node:fs/promises';
import type { CorpusFile } from './corpus.ts';
import { DOCUMENT_LIMIT_BYTES, documentTooLong } from './document-limits.ts';
import { decodeUtf8 } from './utf8.ts';

/** A .txt file is one document. Throws ClaqError text/malformed. */
export async function* readPlainText(
  file: CorpusFile,
  onBytes: (bytes: number) => void,
): AsyncGenerator<string> {
  if (file.size > DOCUMENT_LIMIT_BYTES) throw documentTooLong(file.path);
  const bytes = await readFile(file.path);
  onBytes(bytes.byteLength);
  yield decodeUtf8(bytes, file.path);
}

import { ClaqError } from '../../../shared/errors.ts';

/**
 * No document, and no text made by joining documents, is longer than this, in bytes. A document is tokenized in one
 * piece, which takes about 60 bytes of memory and a microsecond a byte: at this limit two gigabytes and half a minute.
 * It also bounds what a file without line ends, or a small file that unpacks to a huge one, can take.
 */
export const DOCUMENT_LIMIT_BYTES = 32 * 2 ** 20;

export function documentTooLong(where: string): ClaqError {
  return new ClaqError('text/malformed', 'A document is too long', {
    where,
    expected: `at most ${DOCUMENT_LIMIT_BYTES} bytes a document`,
    found: 'more',
    remedy: 'Split the text into several documents, for example the lines of a .jsonl file',
  });
}

import { ClaqError } from '../../../shared/errors.ts';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The bytes as text, without a byte order mark. `where` names file and line. Throws ClaqError text/malformed. */
export function decodeUtf8(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new ClaqError('text/malformed', 'The text is not valid UTF-8', {
      where,
      expected: 'UTF-8',
      found: 'bytes that no UTF-8 text contains',
      remedy: 'Convert the file to UTF-8, or leave it out',
      cause,
    });
  }
}

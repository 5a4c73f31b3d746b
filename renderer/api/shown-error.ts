/** What went wrong, in the one form that a screen shows. */
import { ORPCError } from '@orpc/client';
import { ClaqError, type PlainError, plainError } from '../../shared/errors.ts';
import { ConnectionLostError, ConnectionRefusedError } from './connection.ts';

/** A ClaqError as the service sent it, or what the window itself has to say. */
export type ShownError = Omit<PlainError, 'code'> & { readonly code: string };

export function shownError(error: unknown): ShownError {
  if (error instanceof ORPCError && isPlainError(error.data)) return error.data;
  // Of what the window computes by itself.
  if (error instanceof ClaqError) return plainError(error);
  if (error instanceof ConnectionLostError || error instanceof ConnectionRefusedError) {
    return {
      code: 'window/connection-lost',
      message: error.message,
      remedy: 'wait for the connection, then do it again',
    };
  }
  if (error instanceof ORPCError && error.code === 'BAD_REQUEST') {
    return {
      code: 'window/bad-request',
      message: 'The service could not read this request',
      found: issues(error.data),
      remedy: 'reload the window; if it stays, the window and the service are of different versions',
    };
  }
  return {
    code: 'window/fault',
    message: 'The program has a fault',
    found: error instanceof Error ? error.message : String(error),
    remedy: 'do it once more; if it happens again, report it with this text and the log',
  };
}

function isPlainError(data: unknown): data is PlainError {
  return (
    typeof data === 'object' &&
    data !== null &&
    'code' in data &&
    typeof data.code === 'string' &&
    'message' in data &&
    typeof data.message === 'string'
  );
}

/** What zod objected to, on one line. */
function issues(data: unknown): string {
  if (typeof data !== 'object' || data === null || !('issues' in data) || !Array.isArray(data.issues))
    return '';
  return data.issues
    .map((issue: unknown) =>
      typeof issue === 'object' && issue !== null && 'message' in issue ? String(issue.message) : '',
    )
    .join('; ');
}

/** The error as text for the clipboard: summary first, then one labelled line a detail. */
export function errorText(error: ShownError): string {
  return [error.message, ...errorDetails(error).map(([label, text]) => `${label}: ${text}`), error.code].join(
    '\n',
  );
}

/** Labelled details in the order in which they are read. */
export function errorDetails(error: ShownError): [label: string, text: string][] {
  const all: [string, string | undefined][] = [
    ['where', error.where],
    ['expected', error.expected],
    ['found', error.found],
    ['what to do', error.remedy],
  ];
  return all.flatMap(([label, text]): [string, string][] =>
    text === undefined || text === '' ? [] : [[label, text]],
  );
}

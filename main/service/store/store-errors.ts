import Database from 'better-sqlite3';
import { ClaqError } from '../../../shared/errors.ts';

/**
 * Does something with the library's file, and turns SQLite's errors that are not a fault of the program into ours.
 *
 * @param where the file, or what of it was read
 * @throws ClaqError store/damaged, library/in-use, library/not-found, output/disk-full, output/not-writable
 */
export function storeErrors<T>(where: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw error instanceof Database.SqliteError ? storeError(where, error) : error;
  }
}

/** What can be done about a library that cannot be read. Models and runs have all that they need in their folders. */
const RESTORE =
  'put a backup of the file in its place (its name ends in .backup), or move the file away to begin with an empty library; ' +
  'models and runs stay in their folders';

/** A library, or an entry of it, that is not what was written. */
export function damaged(
  where: string,
  summary: string,
  details: { readonly expected?: string; readonly found: string; readonly cause?: unknown },
): ClaqError {
  return new ClaqError('store/damaged', summary, { where, ...details, remedy: RESTORE });
}

function storeError(where: string, cause: InstanceType<typeof Database.SqliteError>): unknown {
  // Extended codes continue the plain one: SQLITE_CORRUPT_INDEX.
  const is = (...codes: readonly string[]): boolean =>
    codes.some((code) => cause.code === code || cause.code.startsWith(`${code}_`));
  const found = `${cause.message} (${cause.code})`;
  if (is('SQLITE_NOTADB')) {
    return damaged(where, 'The library is not a database', { expected: 'a SQLite database', found, cause });
  }
  if (is('SQLITE_CORRUPT') || cause.message.startsWith('malformed JSON')) {
    return damaged(where, 'The library is damaged', { found, cause });
  }
  if (is('SQLITE_BUSY', 'SQLITE_LOCKED')) {
    return new ClaqError('library/in-use', 'Another program is writing to the library', {
      where,
      found,
      remedy: 'try again, or close the other program that has it open',
      cause,
    });
  }
  if (is('SQLITE_CONSTRAINT_FOREIGNKEY')) {
    return new ClaqError('library/not-found', 'What this belongs to is not in the library', {
      where,
      remedy: 'it may have been removed in another window: look at the list again',
      cause,
    });
  }
  if (is('SQLITE_FULL')) {
    return new ClaqError('output/disk-full', 'The disk is full', {
      where,
      found,
      remedy: 'free some space; the library is as it was before',
      cause,
    });
  }
  if (is('SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_PERM', 'SQLITE_IOERR')) {
    return new ClaqError('output/not-writable', 'The library cannot be opened or written', {
      where,
      expected: 'a file in a folder that you may write to',
      found,
      remedy: 'choose another folder for the library, or change its permissions',
      cause,
    });
  }
  return cause;
}

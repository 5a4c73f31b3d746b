import type { Database } from 'better-sqlite3';
import { ClaqError } from '../../../shared/errors.ts';
import { backUp } from './back-up.ts';
import type { Migration } from './migrations/migration.ts';
import { damaged } from './store-errors.ts';

/** "CLAQ", in the header of every library: tells it from other programs' databases. */
export const APPLICATION_ID = 0x434c4151;

/**
 * Refuses what a later version of the program or another program wrote. Looks at the file's header and changes nothing.
 *
 * @throws ClaqError store/newer-version, and store/damaged for a file of another program
 */
export function requireOurs(database: Database, migrations: readonly Migration[]): void {
  const version = userVersion(database);
  const marked = database.pragma('application_id', { simple: true }) === APPLICATION_ID;
  if (!marked && (version > 0 || hasTables(database))) {
    throw damaged(database.name, 'The library is a database of another program', {
      expected: 'a library of CLAQ Studio',
      found: 'a database without its mark',
    });
  }
  const newest = migrations.at(-1)?.version ?? 0;
  if (version <= newest) return;
  throw new ClaqError('store/newer-version', 'The library was written by a newer version of the program', {
    where: database.name,
    expected: `version ${newest} of the library's format, or an older one`,
    found: `version ${version}`,
    remedy: 'start the newer program, or move the file away to begin with an empty library',
  });
}

function hasTables(database: Database): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() !== undefined;
}

/**
 * Brings the file to the last migration's version: all steps in one transaction, so that no file is ever left between two
 * versions. A file that had content is backed up before.
 */
export function migrate(database: Database, migrations: readonly Migration[]): void {
  const version = userVersion(database);
  if (pendingAfter(version, migrations).length === 0) return;
  if (version > 0) backUp(database, version);
  // A step that makes a table anew would otherwise take along what belongs to its rows. Not possible inside of a transaction.
  database.pragma('foreign_keys = OFF');
  try {
    database.transaction(() => applyPending(database, migrations)).exclusive();
  } finally {
    database.pragma('foreign_keys = ON');
  }
}

function applyPending(database: Database, migrations: readonly Migration[]): void {
  // Asked once more: another process may have done it while this one waited.
  for (const { version, sql } of pendingAfter(userVersion(database), migrations)) {
    database.exec(sql);
    database.pragma(`user_version = ${version}`);
  }
  database.pragma(`application_id = ${APPLICATION_ID}`);
  if (database.prepare('PRAGMA foreign_key_check').get() !== undefined) {
    throw damaged(database.name, 'The library is damaged', {
      found: 'entries that belong to others which are not there',
    });
  }
}

function pendingAfter(current: number, migrations: readonly Migration[]): readonly Migration[] {
  return migrations.filter(({ version }) => version > current);
}

function userVersion(database: Database): number {
  return Number(database.pragma('user_version', { simple: true }));
}

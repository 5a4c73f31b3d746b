import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteDatabase, { type Database } from 'better-sqlite3';
import { outputErrorsSync } from '../../engine/checkpoint/atomic-file.ts';
import { migrate, requireOurs } from './migrate.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { Migration } from './migrations/migration.ts';
import { damaged, storeErrors } from './store-errors.ts';

/** How long a statement waits for another process that writes. Writing takes milliseconds; only a migration takes longer. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Opens the library's file, or makes it, and brings it to the present version.
 *
 * @param file absolute path; its folder is made where it is not there
 * @throws ClaqError store/newer-version, store/damaged, library/in-use, output/disk-full, output/not-writable
 */
export function openDatabase(file: string, migrations: readonly Migration[] = MIGRATIONS): Database {
  outputErrorsSync(file, () => mkdirSync(dirname(file), { recursive: true }));
  const database = storeErrors(file, () => new SqliteDatabase(file, { timeout: BUSY_TIMEOUT_MS }));
  try {
    storeErrors(file, () => {
      requireOurs(database, migrations);
      requireWhole(database);
      // Readers and a writer do not wait for each other.
      database.pragma('journal_mode = WAL');
      // With WAL a power cut may take the last transactions, but never damages the file.
      database.pragma('synchronous = NORMAL');
      database.pragma('foreign_keys = ON');
      migrate(database, migrations);
    });
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/**
 * SQLite's quick check of all but the column statistics and analyses: these can be a gigabyte, which takes seconds to read, and
 * can be computed again. Damage in them is found when they are read.
 */
function requireWhole(database: Database): void {
  const found = database.prepare<[], string>(FIRST_FAULT).pluck().get();
  if (found !== undefined) throw damaged(database.name, 'The library is damaged', { found });
}

const FIRST_FAULT = `
SELECT quick_check FROM sqlite_schema, pragma_quick_check(name)
WHERE type = 'table' AND name NOT IN ('column_statistics', 'outlier_counts', 'analyses') AND quick_check <> 'ok' LIMIT 1`;

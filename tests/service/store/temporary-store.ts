import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { type Store, openStore } from '../../../main/service/store/store.ts';

/** A path for a library in a folder of its own, which is gone after the test. */
export async function temporaryFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'claq-store-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'library.sqlite');
}

/** An empty library in a file, closed after the test. */
export async function temporaryStore(): Promise<{ readonly store: Store; readonly file: string }> {
  const file = await temporaryFile();
  return { store: open(file), file };
}

/** Opens a library until the end of the test. */
export function open(file: string): Store {
  const store = openStore(file);
  // Before its folder goes: what was begun last ends first.
  onTestFinished(() => store.close());
  return store;
}

/** What another program could do with the file: no rule of ours is held but what the tables say. */
export function tamper<T>(file: string, work: (database: Database.Database) => T): T {
  const database = new Database(file);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Rows of each table. */
export function rowCounts(file: string): Record<string, number> {
  return tamper(file, (database) => {
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      .pluck();
    const count = (table: string): number =>
      database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get() ?? -1;
    return Object.fromEntries(tables.all().map((table) => [table, count(table)]));
  });
}

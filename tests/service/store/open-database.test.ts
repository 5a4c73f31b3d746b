import { existsSync } from 'node:fs';
import {
  appendFile,
  mkdir,
  open as openFile,
  readFile,
  readdir,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { library } from '../../../main/service/store/migrations/0001-library.ts';
import { MIGRATIONS } from '../../../main/service/store/migrations/all.ts';
import type { Migration } from '../../../main/service/store/migrations/migration.ts';
import { openDatabase } from '../../../main/service/store/open-database.ts';
import { openStore } from '../../../main/service/store/store.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { addWholeModel } from './samples.ts';
import { open, rowCounts, tamper, temporaryFile } from './temporary-store.ts';
import { writeVersion1 } from './version-1.ts';

const PAGE = 4096;

function pragma(file: string, name: string): unknown {
  return tamper(file, (database) => database.pragma(name, { simple: true }));
}

/** Names and definitions of all that a file has. */
function schema(file: string): unknown[] {
  return tamper(file, (database) =>
    database.prepare('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name').all(),
  );
}

function openAndClose(file: string, migrations?: readonly Migration[]): void {
  openDatabase(file, migrations).close();
}

describe('a new file', () => {
  it('has the newest version, write-ahead logging and our mark, and needs no backup', async () => {
    const file = await temporaryFile();
    openAndClose(file);
    expect(pragma(file, 'user_version')).toBe(MIGRATIONS.length);
    expect(pragma(file, 'application_id')).toBe(0x434c4151);
    expect(pragma(file, 'journal_mode')).toBe('wal');
    expect(await readdir(dirname(file))).toEqual(['library.sqlite']);
  });

  it('is made with its folder', async () => {
    const file = join(dirname(await temporaryFile()), 'data', 'claq', 'library.sqlite');
    openAndClose(file);
    expect(existsSync(file)).toBe(true);
  });

  it('holds foreign keys, waits for others, and syncs as write-ahead logging needs it', async () => {
    const database = openDatabase(await temporaryFile());
    const settings = ['foreign_keys', 'synchronous', 'busy_timeout'].map((name) =>
      database.pragma(name, { simple: true }),
    );
    database.close();
    expect(settings).toEqual([1, 1, 5000]);
  });

  it('has strict tables only', async () => {
    const file = await temporaryFile();
    openAndClose(file);
    const lax = tamper(file, (database) =>
      database
        .prepare(
          "SELECT name FROM pragma_table_list WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'",
        )
        .all(),
    );
    expect(lax).toEqual([]);
  });
});

describe('migrations', () => {
  const rename: Migration = {
    version: 2,
    sql: "ALTER TABLE settings RENAME TO choices; INSERT INTO choices VALUES ('threads', '3')",
  };

  it('are numbered one after another', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('still make version 1 as it was released', async () => {
    const [released, made] = [await temporaryFile(), await temporaryFile()];
    writeVersion1(released);
    openAndClose(made, [library]);
    expect(schema(made)).toEqual(schema(released));
  });

  it('keep what a file of version 1 has', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    const store = open(file);
    const [model] = store.models.list();
    expect(model).toMatchObject({
      id: 3,
      source: { kind: 'demo' },
      runs: { complete: 1, open: 0 },
      baseline: null,
    });
    const [card] = store.runs.list();
    expect(card).toMatchObject({ id: 5, state: 'complete', matricesDone: 210, figures: { loss: 25.5 } });
    expect(card && store.runs.get(card.id)).toMatchObject({
      engine: 'WebAssembly',
      choices: { budget: { bits: 2 }, percdamp: 0.01 },
      matrices: [
        {
          kind: 'q',
          loss: 12.25,
          classes: [
            { width: 2, reserved: 4, columns: 1498 },
            { width: 4, reserved: 16, columns: 38 },
          ],
        },
      ],
      notes: [{ line: 'WebAssembly, 2 threads' }],
      exports: [{ id: 7, folder: '/runs/1/dense' }],
    });
  });

  it('leave out the statistics of version 1, which are measured again', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    const store = open(file);
    const [model] = store.models.list();
    expect(model && store.columnStatistics.list(model.id, 'files')).toEqual([]);
    expect(rowCounts(file)).toMatchObject({ column_statistics: 0, outlier_counts: 0, budgets: 0 });
    expect(rowCounts(`${file}.v1.backup`)).toMatchObject({ column_statistics: 1 });
  });

  it('go on from the version that the file has, behind a backup of it', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    openAndClose(file, [library, rename]);
    expect(pragma(file, 'user_version')).toBe(2);
    expect(rowCounts(file)).toMatchObject({ choices: 2, models: 1, runs: 1, matrices: 1 });
    const backup = `${file}.v1.backup`;
    expect(pragma(backup, 'user_version')).toBe(1);
    expect(rowCounts(backup)).toEqual({
      models: 1,
      runs: 1,
      matrices: 1,
      run_notes: 1,
      exports: 1,
      settings: 1,
      column_statistics: 1,
    });
    expect((await readdir(dirname(file))).toSorted()).toEqual(['library.sqlite', basename(backup)]);
  });

  it('have a backup with what another connection wrote last', async () => {
    const file = await temporaryFile();
    const store = open(file);
    addWholeModel(store, 'a');
    const sql = 'CREATE TABLE more (id INTEGER PRIMARY KEY) STRICT';
    openAndClose(file, [...MIGRATIONS, { version: MIGRATIONS.length + 1, sql }]);
    expect(rowCounts(`${file}.v${MIGRATIONS.length}.backup`)).toMatchObject({
      models: 1,
      runs: 1,
      matrices: 2,
    });
  });

  it('take the place of an older backup of the same version', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    await writeFile(`${file}.v1.backup`, 'old');
    openAndClose(file, [library, rename]);
    expect(pragma(`${file}.v1.backup`, 'user_version')).toBe(1);
  });

  it('change nothing where one of several fails', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    const failing = { version: 3, sql: 'ALTER TABLE recipes RENAME TO meals' };
    expect(() => openDatabase(file, [library, rename, failing])).toThrow('no such table: recipes');
    expect(pragma(file, 'user_version')).toBe(1);
    expect(rowCounts(file)).toMatchObject({ settings: 1, models: 1 });
  });

  it('may make a table anew without taking along what belongs to it', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    const anew = {
      version: 2,
      sql: `CREATE TABLE others AS SELECT * FROM models; DROP TABLE models;
        CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT) STRICT;
        INSERT INTO models SELECT id, name FROM others; DROP TABLE others`,
    };
    openAndClose(file, [library, anew]);
    expect(rowCounts(file)).toMatchObject({ models: 1, runs: 1, matrices: 1 });
  });

  it('are refused where they leave entries that belong to nothing', async () => {
    const file = await temporaryFile();
    writeVersion1(file);
    const error = await thrownBy(() =>
      openDatabase(file, [library, { version: 2, sql: 'DELETE FROM models' }]),
    );
    expect(error).toMatchObject({ code: 'store/damaged', where: file });
    expect(rowCounts(file)).toMatchObject({ models: 1 });
  });
});

describe('refuses', () => {
  it('a file from a newer version, which it leaves as it is', async () => {
    const file = await temporaryFile();
    openAndClose(file);
    tamper(file, (database) => database.pragma('user_version = 7'));
    const before = await readFile(file);
    const error = await thrownBy(() => openStore(file));
    expect(error).toMatchObject({
      code: 'store/newer-version',
      message: 'The library was written by a newer version of the program',
      where: file,
      expected: `version ${MIGRATIONS.length} of the library's format, or an older one`,
      found: 'version 7',
    });
    expect(before.equals(await readFile(file))).toBe(true);
  });

  it('a file that is not a database', async () => {
    const file = await temporaryFile();
    await writeFile(file, 'Dear diary, '.repeat(1000));
    const error = await thrownBy(() => openStore(file));
    expect(error).toMatchObject({
      code: 'store/damaged',
      message: 'The library is not a database',
      where: file,
      found: 'file is not a database (SQLITE_NOTADB)',
    });
    expect(await readFile(file, 'utf8')).toMatch(/^Dear diary, /);
  });

  it("another program's database", async () => {
    const file = await temporaryFile();
    tamper(file, (database) => database.exec('CREATE TABLE recipes (name TEXT)'));
    const error = await thrownBy(() => openStore(file));
    expect(error).toMatchObject({
      code: 'store/damaged',
      message: 'The library is a database of another program',
    });
    expect(rowCounts(file)).toEqual({ recipes: 0 });
  });

  it('a damaged file', async () => {
    const file = await filledFile();
    await overwrite(file, rootPage(file, 'matrices'));
    const error = await thrownBy(() => openStore(file));
    expect(error).toMatchObject({ code: 'store/damaged', message: 'The library is damaged', where: file });
  });

  it('a file that was cut off', async () => {
    const file = await filledFile();
    await truncate(file, 3 * PAGE);
    expect(await thrownBy(() => openStore(file))).toMatchObject({ code: 'store/damaged', where: file });
  });

  it('a place where no file can be', async () => {
    const file = await temporaryFile();
    await mkdir(file);
    expect(await thrownBy(() => openStore(file))).toMatchObject({ code: 'output/not-writable', where: file });
    const other = await temporaryFile();
    await appendFile(other, '');
    const below = join(other, 'library.sqlite');
    expect(await thrownBy(() => openStore(below))).toMatchObject({
      code: 'output/not-writable',
      where: below,
    });
  });
});

it('finds damage in column statistics when these are read', async () => {
  const file = await filledFile();
  await overwrite(file, rootPage(file, 'column_statistics'));
  const store = open(file);
  const [model] = store.models.list();
  const error = await thrownBy(() => model && store.columnStatistics.read(model.id, 'files', 0, 'q'));
  expect(error).toMatchObject({ code: 'store/damaged', where: 'column_statistics' });
});

async function filledFile(): Promise<string> {
  const file = await temporaryFile();
  const store = openStore(file);
  addWholeModel(store, 'a');
  store.close();
  return file;
}

function rootPage(file: string, table: string): number {
  return tamper(
    file,
    (database) =>
      database
        .prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?')
        .pluck()
        .get(table) ?? 0,
  );
}

/** Fills a page, counted from 1, with what no page holds. */
async function overwrite(file: string, page: number): Promise<void> {
  const handle = await openFile(file, 'r+');
  try {
    await handle.write(Buffer.alloc(PAGE, 0xff), 0, PAGE, (page - 1) * PAGE);
  } finally {
    await handle.close();
  }
}

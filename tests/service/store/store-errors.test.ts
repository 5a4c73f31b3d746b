import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { storeErrors } from '../../../main/service/store/store-errors.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { tamper, temporaryFile } from './temporary-store.ts';

it('tells that another program is writing', async () => {
  const file = await temporaryFile();
  const [writer, other] = [new Database(file), new Database(file, { timeout: 0 })];
  writer.exec('BEGIN EXCLUSIVE');
  const error = await thrownBy(() => storeErrors(file, () => other.exec('CREATE TABLE a (b)')));
  other.close();
  writer.close();
  expect(error).toMatchObject({
    code: 'library/in-use',
    where: file,
    found: 'database is locked (SQLITE_BUSY)',
  });
});

it('tells that there is no room', async () => {
  const file = await temporaryFile();
  const database = new Database(file);
  database.pragma('max_page_count = 2');
  const error = await thrownBy(() =>
    storeErrors(file, () => database.exec('CREATE TABLE a (b); CREATE TABLE c (d)')),
  );
  database.close();
  expect(error).toMatchObject({ code: 'output/disk-full', where: file });
});

it('tells that a file may not be written', async () => {
  const file = await temporaryFile();
  tamper(file, (database) => database.exec('CREATE TABLE a (b)'));
  const database = new Database(file, { readonly: true });
  const error = await thrownBy(() => storeErrors(file, () => database.exec('INSERT INTO a VALUES (1)')));
  database.close();
  expect(error).toMatchObject({ code: 'output/not-writable', where: file });
});

it('leaves faults of the program what they are', async () => {
  const file = await temporaryFile();
  tamper(file, (database) => {
    expect(() => storeErrors(file, () => database.exec('SELECT nothing'))).toThrow(Database.SqliteError);
  });
  const fault = new TypeError('a fault');
  expect(() =>
    storeErrors(file, () => {
      throw fault;
    }),
  ).toThrow(fault);
});

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import {
  CHECKSUMS_FILE,
  parseChecksums,
  verifyChecksums,
  writeChecksums,
} from '../../../main/engine/export/checksums-file.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

/** SHA-256 of "abc" and of nothing (FIPS 180-4). */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

async function folder(): Promise<string> {
  const path = await temporaryFolder();
  await writeFile(join(path, 'abc'), 'abc');
  await writeFile(join(path, 'Nothing'), '');
  await writeChecksums(
    path,
    new Map([
      ['abc', ABC],
      ['Nothing', NOTHING],
    ]),
  );
  return path;
}

it('is a line a file, by name', async () => {
  const path = await folder();
  expect(await readFile(join(path, CHECKSUMS_FILE), 'utf8')).toBe(`${NOTHING}  Nothing\n${ABC}  abc\n`);
  await verifyChecksums(path);
});

it('tells a file that is another, and one that is gone', async () => {
  const path = await folder();
  await writeFile(join(path, 'Nothing'), 'abc');
  expect(await thrownBy(() => verifyChecksums(path))).toMatchObject({
    code: 'output/verification-failed',
    where: join(path, 'Nothing'),
    expected: `sha256 ${NOTHING}`,
    found: `sha256 ${ABC}`,
  });
  await rm(join(path, 'Nothing'));
  expect((await thrownBy(() => verifyChecksums(path))).found).toBe('no such file');
});

it.each(['abc', `${ABC} abc`, `${ABC}  ../abc`, `${ABC.slice(1)}  abc`])('refuses the line %j', (line) => {
  expect(() => parseChecksums(`${line}\n`, 'SHA256SUMS')).toThrow(
    expect.objectContaining({ code: 'output/verification-failed', found: line }),
  );
});

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackWheel } from '../../../main/service/tensorflow-setup/unpack-wheel.ts';
import { temporaryFolder } from '../../engine/checkpoint/temporary-folder.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { type ZipEntry, zipOf } from './small-wheels.ts';

const SYMBOLIC_LINK = 0o120777;
const LIMIT_BYTES = 1000;

const file = (name: string, text: string, more: Partial<ZipEntry> = {}): ZipEntry => ({
  name,
  content: Buffer.from(text),
  ...more,
});

interface Case {
  readonly wheel: string;
  readonly folder: string;
}

async function written(archive: Uint8Array): Promise<Case> {
  const folder = await temporaryFolder();
  const wheel = join(await temporaryFolder(), 'small.whl');
  await writeFile(wheel, archive);
  return { wheel, folder };
}

const unpack = ({ wheel, folder }: Case): Promise<string[]> =>
  unpackWheel(wheel, { folder, target: (name) => name, limitBytes: LIMIT_BYTES });

describe('unpackWheel', () => {
  it('writes what is wanted and nothing else, and counts the bytes', async () => {
    const { wheel, folder } = await written(
      zipOf([file('a/one.so', 'first'), file('a/two.py', 'not wanted'), file('b/three.so', 'the third')]),
    );
    const seen: string[] = [];
    const paths = await unpackWheel(wheel, {
      folder,
      target: (name) => (name.endsWith('.so') ? `libs/${name}` : undefined),
      limitBytes: LIMIT_BYTES,
      onBytes: (done, total) => seen.push(`${done}/${total}`),
    });
    expect(paths).toEqual(['libs/a/one.so', 'libs/b/three.so']);
    expect(await readFile(join(folder, 'libs/a/one.so'), 'utf8')).toBe('first');
    expect(await readFile(join(folder, 'libs/b/three.so'), 'utf8')).toBe('the third');
    expect(await readdir(join(folder, 'libs/a'))).toEqual(['one.so']);
    expect(seen).toEqual(['0/14', '5/14', '14/14']);
  });

  it.each<[string, ZipEntry[], RegExp]>([
    [
      'a name that leads out of the folder',
      [file('../outside', 'x')],
      /invalid relative path: \.\.\/outside/,
    ],
    ['an absolute name', [file('/etc/outside', 'x')], /absolute path/],
    ['a symbolic link', [file('link', '/etc/passwd', { mode: SYMBOLIC_LINK })], /link is not a plain file/],
    ['the same name twice', [file('a', '1'), file('a', '2')], /a stands in it twice/],
    [
      'more bytes than there may be',
      [file('a', 'x'.repeat(600)), file('b', 'x'.repeat(600))],
      /larger than 1.00 kB/,
    ],
    ['more bytes than it says', [file('a', 'x'.repeat(900), { claimedBytes: 10 })], /too many bytes/],
    ['fewer bytes than it says', [file('a', 'short', { claimedBytes: 10 })], /not enough bytes/],
    [
      'bytes that do not fit the checksum',
      [file('a', 'changed', { claimedCrc: 1 })],
      /a does not fit its checksum/,
    ],
  ])('refuses an archive with %s', async (_, entries, found) => {
    const small = await written(zipOf(entries));
    const error = await thrownBy(() => unpack(small));
    expect(error.code).toBe('setup/wheel-malformed');
    expect(error.where).toBe(small.wheel);
    expect(error.found).toMatch(found);
  });

  it('refuses every archive that was cut short', async () => {
    const whole = zipOf([file('a', 'first'), file('b', 'second')]);
    for (const length of [0, 10, 40, whole.length - 23, whole.length - 1]) {
      const error = await thrownBy(async () => unpack(await written(whole.subarray(0, length))));
      expect(error.code).toBe('setup/wheel-malformed');
    }
  });

  it('writes nothing where an archive lists more files than there may be', async () => {
    const archive = zipOf([file('a', 'first')]);
    // The count stands 12 and 14 bytes before the end; in its own form (zip64) it could be larger still.
    archive.writeUInt16LE(0xfffe, archive.length - 12);
    archive.writeUInt16LE(0xfffe, archive.length - 14);
    const small = await written(archive);
    expect((await thrownBy(() => unpack(small))).code).toBe('setup/wheel-malformed');
    expect(await readdir(small.folder)).toEqual([]);
  });

  it('stops when it is called off', async () => {
    const { wheel, folder } = await written(zipOf([file('a', 'first'), file('b', 'second')]));
    const controller = new AbortController();
    const error = await thrownBy(() =>
      unpackWheel(wheel, {
        folder,
        target: (name) => name,
        limitBytes: LIMIT_BYTES,
        onBytes: (done) => {
          if (done > 0) controller.abort();
        },
        signal: controller.signal,
      }),
    );
    expect(error.code).toBe('run/cancelled');
    expect(await readdir(folder)).toEqual(['a']);
  });
});

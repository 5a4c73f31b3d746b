import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeHeader, writeSafetensors } from '../../../main/engine/checkpoint/safetensors-writer.ts';
import type { TensorToWrite } from '../../../main/engine/checkpoint/safetensors-writer.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thrownBy } from './thrown.ts';

function tensor(name: string, bytes: number[]): TensorToWrite {
  return { name, dtype: 'U8', shape: [bytes.length], pieces: () => [Uint8Array.from(bytes)] };
}

describe('writing', () => {
  it('gives the bytes that the Python package safetensors gives', async () => {
    const path = join(await temporaryFolder(), 'x.safetensors');
    const size = await writeSafetensors(
      path,
      [
        {
          name: 'a',
          dtype: 'I32',
          shape: [3],
          pieces: () => [new Uint8Array(Int32Array.of(3, 4, 5).buffer)],
        },
        {
          name: 'b.weight',
          dtype: 'F16',
          shape: [2, 2],
          pieces: async function* () {
            yield Uint8Array.of(0x00, 0x3c, 0x00);
            await Promise.resolve();
            yield Uint8Array.of(0xc0, 0x66, 0x2e, 0xff, 0x7b);
          },
        },
        tensor('c', [7]),
      ],
      { metadata: new Map([['format', 'pt']]) },
    );
    const json =
      '{"__metadata__":{"format":"pt"},"a":{"dtype":"I32","shape":[3],"data_offsets":[0,12]},"b.weight":{"dtype":"F16","shape":[2,2],"data_offsets":[12,20]},"c":{"dtype":"U8","shape":[1],"data_offsets":[20,21]}}    ';
    const expected = Buffer.concat([
      Buffer.from('d000000000000000', 'hex'),
      Buffer.from(json),
      Buffer.from('030000000400000005000000003c00c0662eff7b07', 'hex'),
    ]);
    expect(size).toBe(237);
    expect((await readFile(path)).equals(expected)).toBe(true);
  });

  it('starts the data at a multiple of 8 and keeps the order of names that look like numbers', () => {
    const header = encodeHeader([tensor('z', [1]), tensor('1', [2])], new Map());
    expect(header.length % 8).toBe(0);
    const text = new TextDecoder().decode(header.subarray(8));
    expect(text.indexOf('"z"')).toBeLessThan(text.indexOf('"1"'));
  });

  it('replaces an older file and leaves nothing else', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), 'older');
    await writeSafetensors(join(folder, 'x'), [tensor('a', [1])]);
    expect(await readdir(folder)).toEqual(['x']);
    expect((await readFile(join(folder, 'x'))).at(-1)).toBe(1);
  });
});

describe('failures leave the old file and nothing half-written', () => {
  it('a full disk', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x'), 'older');
    const error = await thrownBy(() =>
      writeSafetensors(join(folder, 'x'), [tensor('a', [1])], {
        openTemporary: () => open('/dev/full', 'w'),
      }),
    );
    expect(error).toMatchObject({ code: 'output/disk-full', where: join(folder, 'x'), found: 'ENOSPC' });
    expect(error.remedy).toContain('free some space');
    expect(await readFile(join(folder, 'x'), 'utf8')).toBe('older');
    expect(await readdir(folder)).toEqual(['x']);
  });

  it('a tensor that cannot be read', async () => {
    const folder = await temporaryFolder();
    const failing: TensorToWrite = {
      ...tensor('b', [1]),
      pieces: function* () {
        throw new Error('no more');
      },
    };
    await expect(writeSafetensors(join(folder, 'x'), [tensor('a', [1]), failing])).rejects.toThrow('no more');
    expect(await readdir(folder)).toEqual([]);
  });

  it('a tensor whose bytes do not fit its shape', async () => {
    const folder = await temporaryFolder();
    const short: TensorToWrite = { ...tensor('a', [1]), shape: [2] };
    await expect(writeSafetensors(join(folder, 'x'), [short])).rejects.toThrow('a: 1 bytes for U8 [2]');
    expect(await readdir(folder)).toEqual([]);
  });

  it('a folder that is not there, and a file in its place', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    for (const parent of ['none', 'file']) {
      const error = await thrownBy(() => writeSafetensors(join(folder, parent, 'x'), [tensor('a', [1])]));
      expect(error).toMatchObject({ code: 'output/not-writable', where: join(folder, parent, 'x') });
    }
  });

  it('a folder that may not be written to', async () => {
    const denied = Object.assign(new Error("EACCES: permission denied, open 'x'"), { code: 'EACCES' });
    const folder = await temporaryFolder();
    const refused = { openTemporary: () => Promise.reject(denied) };
    const error = await thrownBy(() => writeSafetensors(join(folder, 'x'), [tensor('a', [1])], refused));
    expect(error).toMatchObject({
      code: 'output/not-writable',
      found: "EACCES: permission denied, open 'x'",
    });
  });
});

it('refuses names that are taken', () => {
  expect(() => encodeHeader([tensor('a', [1]), tensor('a', [1])], new Map())).toThrow('a: no name');
  expect(() => encodeHeader([tensor('__metadata__', [1])], new Map())).toThrow('__metadata__: no name');
});

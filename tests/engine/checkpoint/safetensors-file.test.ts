import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { type FloatDtype, bytesPerElement } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import { openSafetensors } from '../../../main/engine/checkpoint/safetensors-file.ts';
import type { SafetensorsFile } from '../../../main/engine/checkpoint/safetensors-file.ts';
import { writeTensors } from './small-model.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thrownBy } from './thrown.ts';

/** Written by the Python package safetensors 0.7: `a` I32 [3, 4, 5], `b.weight` F16 [[1, -2], [0.1, 65504]], `c` U8 [7]. */
const FROM_PYTHON = Buffer.concat([
  Buffer.from([0xd0, 0, 0, 0, 0, 0, 0, 0]),
  Buffer.from(
    '{"__metadata__":{"format":"pt"},"a":{"dtype":"I32","shape":[3],"data_offsets":[0,12]},"b.weight":{"dtype":"F16","shape":[2,2],"data_offsets":[12,20]},"c":{"dtype":"U8","shape":[1],"data_offsets":[20,21]}}    ',
  ),
  Buffer.from('030000000400000005000000003c00c0662eff7b07', 'hex'),
]);

async function withFile<T>(path: string, use: (file: SafetensorsFile) => Promise<T>): Promise<T> {
  const file = await openSafetensors(path);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

async function fileWith(dtype: FloatDtype, shape: number[], values: number[]): Promise<string> {
  const path = join(await temporaryFolder(), 'model.safetensors');
  const tensor = { name: 'w', dtype, shape, bytes: encodeFloats(dtype, Float32Array.from(values)) };
  // A byte in front puts the tensor on an odd position.
  await writeTensors(path, [{ name: 'odd', dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }, tensor]);
  return path;
}

describe('reading', () => {
  it("reads Python's file", async () => {
    const path = join(await temporaryFolder(), 'python.safetensors');
    await writeFile(path, FROM_PYTHON);
    await withFile(path, async (file) => {
      expect([...(await file.readFloats('b.weight'))]).toEqual([1, -2, 0.0999755859375, 65504]);
      expect([...(await file.readBytes('a', 4, 8))]).toEqual([4, 0, 0, 0]);
      expect(file.header.metadata.get('format')).toBe('pt');
      expect((await thrownBy(() => file.readFloats('c'))).code).toBe('weights/unsupported-dtype');
      expect((await thrownBy(() => file.readFloats('d'))).code).toBe('weights/missing-tensor');
    });
  });

  it.each(['F32', 'F16', 'BF16'] as const)('reads %s whole and by rows', async (dtype) => {
    const path = await fileWith(dtype, [3, 2], [1, -0.5, 2, 0.25, -4, 8]);
    await withFile(path, async (file) => {
      expect([...(await file.readFloats('w'))]).toEqual([1, -0.5, 2, 0.25, -4, 8]);
      expect([...(await file.readRows('w', 1, 3))]).toEqual([2, 0.25, -4, 8]);
      expect([...(await file.readRows('w', 0, 1))]).toEqual([1, -0.5]);
      const stored = new Uint8Array(new SharedArrayBuffer(6 * bytesPerElement(dtype)));
      await file.readInto('w', stored);
      expect(stored).toEqual(encodeFloats(dtype, Float32Array.of(1, -0.5, 2, 0.25, -4, 8)));
      await expect(file.readInto('w', stored.subarray(1))).rejects.toThrow(RangeError);
      expect([...(await file.readRows('w', 3, 3))]).toEqual([]);
      await expect(file.readRows('w', 2, 4)).rejects.toThrow(RangeError);
      await expect(file.readRows('odd', 0, 1)).rejects.toThrow(RangeError);
    });
  });

  it('reads halves that take more than one piece', async () => {
    const count = 20 * 2 ** 20;
    const path = join(await temporaryFolder(), 'model.safetensors');
    const bytes = new Uint8Array(count * 2);
    const ends = new Uint16Array(bytes.buffer);
    ends[16 * 2 ** 20 - 1] = 0x3f80;
    ends[16 * 2 ** 20] = 0x4000;
    ends[count - 1] = 0xc040;
    await writeTensors(path, [{ name: 'w', dtype: 'BF16', shape: [20, 2 ** 20], bytes }]);
    await withFile(path, async (file) => {
      const floats = await file.readFloats('w');
      expect([floats.length, floats[16 * 2 ** 20 - 1], floats[16 * 2 ** 20], floats[count - 1]]).toEqual([
        count,
        1,
        2,
        -3,
      ]);
    });
  });
});

describe('weights that are not finite', () => {
  it.each([
    ['F32', NaN, 'NaN'],
    ['F16', Infinity, 'Infinity'],
    ['BF16', -Infinity, '-Infinity'],
  ] as const)('%s names tensor, position and value %s', async (dtype, value, found) => {
    const path = await fileWith(dtype, [3, 2], [1, 2, 3, 4, 5, value]);
    await withFile(path, async (file) => {
      const where = `${path}, tensor w, [row, column] [2, 1]`;
      expect(await thrownBy(() => file.readFloats('w'))).toMatchObject({
        code: 'weights/not-finite',
        where,
        found,
      });
      expect(await thrownBy(() => file.readRows('w', 1, 3))).toMatchObject({ where, found });
      expect([...(await file.readRows('w', 0, 2))]).toEqual([1, 2, 3, 4]);
    });
  });

  it('gives the element of a vector', async () => {
    const path = await fileWith('F16', [3], [1, NaN, NaN]);
    const error = await thrownBy(() => withFile(path, (file) => file.readFloats('w')));
    expect(error.where).toBe(`${path}, tensor w, element [1]`);
  });
});

describe('broken files', () => {
  it('refuses a Git LFS pointer with the way out', async () => {
    const path = join(await temporaryFolder(), 'model.safetensors');
    await writeFile(
      path,
      'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 269060552\n',
    );
    const error = await thrownBy(() => openSafetensors(path));
    expect(error).toMatchObject({ code: 'weights/lfs-pointer', where: path });
    expect(error.remedy).toContain('git lfs pull');
  });

  it('refuses a file cut off anywhere', async () => {
    const path = join(await temporaryFolder(), 'model.safetensors');
    for (let length = 0; length < FROM_PYTHON.length; length++) {
      await writeFile(path, FROM_PYTHON.subarray(0, length));
      const error = await thrownBy(() => openSafetensors(path));
      expect(error.code, `cut at ${length}`).toBe('weights/malformed');
      expect(error.where).toContain(path);
      expect(error.remedy).toContain('download');
    }
  });

  it('notices a file that shrinks while it is open', async () => {
    const path = await fileWith('F32', [2], [1, 2]);
    await withFile(path, async (file) => {
      await truncate(path, 80);
      expect(await thrownBy(() => file.readFloats('w'))).toMatchObject({ code: 'weights/malformed' });
    });
  });

  it('refuses what is missing or no file', async () => {
    const folder = await temporaryFolder();
    expect((await thrownBy(() => openSafetensors(folder))).code).toBe('weights/missing-file');
    expect((await thrownBy(() => openSafetensors(join(folder, 'none')))).code).toBe('weights/missing-file');
  });
});

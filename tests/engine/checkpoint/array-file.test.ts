import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readArrays, writeArrays } from '../../../main/engine/checkpoint/array-file.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { writeTensors } from './small-model.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { thrownBy } from './thrown.ts';

const ARRAYS = [
  { name: 'codes', shape: [2, 2], data: Uint8Array.of(1, 2, 3, 255) },
  { name: 'rows', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  { name: 'seeds', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) },
  { name: 'values', shape: [3], data: Float16Array.of(0.5, -0, 65504) },
  { name: 'loss', shape: [], data: Float32Array.of(1.1) },
];

it('brings back every dtype, shapes and metadata', async () => {
  const path = join(await temporaryFolder(), 'matrix.safetensors');
  await writeArrays(path, ARRAYS, new Map([['version', '1']]));
  const file = await readArrays(path);
  expect(file.u8('codes')).toEqual(Uint8Array.of(1, 2, 3, 255));
  expect(file.i32('rows')).toEqual(Int32Array.of(-1, 2 ** 31 - 1));
  expect(file.i64('seeds')).toEqual(BigInt64Array.of(-(2n ** 63n)));
  expect([...file.f16('values')]).toEqual([0.5, -0, 65504]);
  expect(file.f32('loss')).toEqual(Float32Array.of(1.1));
  expect(file.shape('codes')).toEqual([2, 2]);
  expect(file.shape('loss')).toEqual([]);
  expect(file.names).toEqual(['codes', 'rows', 'seeds', 'values', 'loss']);
  expect(file.has('codes')).toBe(true);
  expect(file.has('code')).toBe(false);
  expect(file.metadata).toEqual(new Map([['version', '1']]));
});

it('writes a view of a larger array, and of shared memory', async () => {
  const path = join(await temporaryFolder(), 'matrix.safetensors');
  const shared = new Int32Array(new SharedArrayBuffer(16));
  shared.set([1, 2, 3, 4]);
  const data = Uint8Array.of(9, 8, 7, 6).subarray(1, 3);
  await writeArrays(
    path,
    [
      { name: 'a', shape: [2], data },
      { name: 's', shape: [2], data: shared.subarray(2) },
    ],
    new Map(),
  );
  const file = await readArrays(path);
  expect([...file.u8('a')]).toEqual([8, 7]);
  expect([...file.i32('s')]).toEqual([3, 4]);
});

it('gives the same bytes for the same arrays', async () => {
  const folder = await temporaryFolder();
  for (const name of ['one', 'two']) await writeArrays(join(folder, name), ARRAYS, new Map([['a', 'b']]));
  expect(await readFile(join(folder, 'one'))).toEqual(await readFile(join(folder, 'two')));
});

it('names what a result file lacks', async () => {
  const path = join(await temporaryFolder(), 'matrix.safetensors');
  await writeArrays(path, ARRAYS, new Map());
  const file = await readArrays(path);
  expect(await thrownBy(() => file.u8('widths'))).toMatchObject({
    code: 'result/malformed',
    where: path,
    expected: 'widths',
    found: 'codes, rows, seeds, values, loss',
  });
  expect(await thrownBy(() => file.f16('codes'))).toMatchObject({
    code: 'result/malformed',
    expected: 'F16',
    found: 'U8',
  });
});

it('refuses a dtype that results do not use', async () => {
  const path = join(await temporaryFolder(), 'matrix.safetensors');
  await writeTensors(path, [{ name: 'w', dtype: 'BF16', shape: [1], bytes: Uint8Array.of(0, 0) }]);
  expect(await thrownBy(() => readArrays(path))).toMatchObject({ code: 'result/malformed', found: 'BF16' });
});

it('is result/malformed in every other way too, or reads', async () => {
  const path = join(await temporaryFolder(), 'matrix.safetensors');
  await writeArrays(path, ARRAYS, new Map());
  const bytes = await readFile(path);
  expect((await thrownBy(() => readArrays(`${path}.none`))).code).toBe('result/malformed');
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), async (at, to, cut) => {
      const changed = Uint8Array.from(cut ? bytes.subarray(0, at) : bytes);
      if (!cut) changed[at] = to;
      await writeFile(path, changed);
      try {
        const file = await readArrays(path);
        expect(cut).toBe(false);
        expect(file.names.length).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof ClaqError)) throw error;
        expect(['result/malformed', 'weights/unsupported-dtype']).toContain(error.code);
      }
    }),
    { numRuns: 200 },
  );
});

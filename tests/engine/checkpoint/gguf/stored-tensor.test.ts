import fc from 'fast-check';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openGgufFile } from '../../../../main/engine/checkpoint/gguf/gguf-file.ts';
import { StoredTensor } from '../../../../main/engine/checkpoint/gguf/stored-tensor.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { thrownBy } from '../thrown.ts';
import { ggufBytes } from './gguf-bytes.ts';
import type { TensorToWrite } from './gguf-bytes.ts';
import { floats, tensorOf } from './small-model.ts';

async function stored(tensor: TensorToWrite, headDim?: number): Promise<StoredTensor> {
  const path = join(await temporaryFolder(), 'a.gguf');
  await writeFile(path, ggufBytes({ entries: [], tensors: [tensor] }));
  const file = await openGgufFile(path);
  onTestFinished(() => file.close());
  const described = file.header.tensors.get(tensor.name);
  if (described === undefined) throw new Error('no tensor');
  return new StoredTensor(`hf.${tensor.name}`, file, described, headDim);
}

/** Ten rows of a block of 32 codes: row r is r + 1 times (-16 .. 15). */
const CODES: TensorToWrite = {
  name: 'codes',
  dimensions: [32, 10],
  type: 8,
  data: new Uint8Array(
    Buffer.concat(
      Array.from({ length: 10 }, (_, row) =>
        Buffer.concat([
          new Uint8Array(Float16Array.of(row + 1).buffer),
          Uint8Array.from({ length: 32 }, (_value, column) => (column - 16) & 255),
        ]),
      ),
    ),
  ),
};

describe('a tensor of a GGUF file', () => {
  it('gives rows of codes as float32', async () => {
    const tensor = await stored(CODES);
    expect(tensor.dtype).toBe('F32');
    const rows = await tensor.readRows(2, 4);
    expect([...rows.subarray(0, 3)]).toEqual([-48, -45, -42]);
    expect([...rows.subarray(32, 35)]).toEqual([-64, -60, -56]);
    expect(rows).toHaveLength(64);
  });

  it.each<[string, TensorToWrite, number | undefined]>([
    ['as it is stored', floats('plain', [8, 12]), undefined],
    ['in codes', CODES, undefined],
    ['in the order of another program', floats('paired', [8, 12]), 6],
    ['a vector in that order', floats('bias', [12]), 4],
    ['codes in that order', { ...CODES, name: 'both' }, 10],
  ])('gives the same bytes in one piece and in any others: %s', async (_name, written, headDim) => {
    const tensor = await stored(written, headDim);
    const values = await tensor.read();
    const whole = new Uint8Array(new SharedArrayBuffer(values.byteLength));
    await tensor.readInto(whole);
    const expected = new Uint8Array(values.buffer);
    expect(whole.join()).toBe(expected.join());
    const range = fc.tuple(fc.nat({ max: expected.length }), fc.nat({ max: expected.length }));
    await fc.assert(
      fc.asyncProperty(range, async ([a, b]) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        expect(await tensor.readBytes(from, to)).toEqual(expected.slice(from, to));
      }),
      { numRuns: 40 },
    );
  });

  it('has the rows of each head in order', async () => {
    const tensor = await stored(floats('paired', [1, 8]), 4);
    // Stored as 0, half, 1, half + 1: the values of Hugging Face's rows 0 and 1 are the first and the third.
    expect([...(await tensor.read())]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
    expect([...(await tensor.readRows(1, 6))]).toEqual([2, 1, 3, 4, 6]);
  });

  it('says which value is not finite', async () => {
    const values = Float32Array.from({ length: 12 }, (_, index) => (index === 7 ? NaN : index));
    const tensor = await stored(tensorOf('a', [4, 3], values));
    const error = await thrownBy(() => tensor.read());
    expect(error).toMatchObject({ code: 'weights/not-finite', found: 'NaN' });
    expect(error.where).toMatch(/a\.gguf, tensor a, \[row, column\] \[1, 3\]$/);
    expect(await tensor.readRows(0, 1)).toEqual(Float32Array.of(0, 1, 2, 3));
  });

  it('refuses rows and bytes that it does not have', async () => {
    const tensor = await stored(CODES);
    await expect(tensor.readRows(0, 11)).rejects.toThrow('rows [0, 11) of hf.codes, which has 10');
    await expect(tensor.readBytes(4, 1281)).rejects.toThrow('bytes [4, 1281) of hf.codes, which has 1280');
    await expect(tensor.readInto(new Uint8Array(4))).rejects.toThrow('room for 4 bytes of hf.codes');
    await expect((await stored(floats('a', [4]))).readRows(0, 1)).rejects.toThrow('no rows to read');
  });
});

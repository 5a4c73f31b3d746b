import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedGridBytes, totalBytes } from '../../../shared/bits.ts';
import { type ArrayToWrite, readArrays, writeArrays } from '../../../main/engine/checkpoint/array-file.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import { readMatrix, writeMatrix } from '../../../main/engine/result/matrix-file.ts';
import { measurePacked, packMatrix } from '../../../main/engine/result/packed-matrix.ts';
import { temporaryFolder } from '../checkpoint/temporary-folder.ts';
import { thrownBy } from '../checkpoint/thrown.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const EXAMPLE_LEVELS = {
  kind: 'codebook',
  start: Int32Array.of(0, 2, 6, 8),
  centroids: Float32Array.of(-0.5, 0.25, -1, -0.25, 0.5, 1, -1, 1),
} as const;

/** The worked example of docs/packed-format.md. */
const EXAMPLE: QuantizedMatrix = {
  rows: 5,
  columns: 3,
  widths: Uint8Array.of(1, 2, 1),
  levels: EXAMPLE_LEVELS,
  codes: Uint8Array.of(1, 0, 0, 1, 1, /**/ 2, 0, 3, 1, 0, /**/ 0, 1, 1, 0, 1),
  reservedStart: Int32Array.of(0, 0, 2, 2),
  reservedRows: Int32Array.of(1, 4),
  reservedValues: Float32Array.of(3, -2),
  loss: 0.5,
};

async function exampleFile(): Promise<{ path: string; bytes: Buffer }> {
  const path = join(await temporaryFolder(), 'example.safetensors');
  await writeMatrix(path, 'model.layers.0.mlp.up_proj', EXAMPLE);
  return { path, bytes: await readFile(path) };
}

describe('the worked example of docs/packed-format.md', () => {
  const header =
    '{"__metadata__":{"claq":"1","matrix":"model.layers.0.mlp.up_proj","rows":"5","columns":"3","loss":"0.5","levels":"codebook"},' +
    '"classes":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]},' +
    '"codebooks":{"dtype":"F16","shape":[8],"data_offsets":[16,32]},' +
    '"reserved_values":{"dtype":"F16","shape":[2],"data_offsets":[32,36]},' +
    '"reserved_positions":{"dtype":"U8","shape":[1],"data_offsets":[36,37]},' +
    '"column_classes":{"dtype":"U8","shape":[1],"data_offsets":[37,38]},' +
    '"codes":{"dtype":"U8","shape":[3],"data_offsets":[38,41]}}';
  const data = [
    '01000000 00000000 02000000 02000000', // classes: width 1, none reserved; width 2, two reserved
    '00b8 0034 00bc 003c 00bc 00b4 0038 003c', // codebooks of columns 0, 2, 1
    '0042 00c0', // 3, -2
    '25', // rows 1 and 4 of 5
    '02', // classes 0, 1, 0
    'd9ca01', // codes of columns 0, 2, 1
  ].join('');

  it('is the file, byte for byte', async () => {
    const { bytes } = await exampleFile();
    const length = Number(bytes.readBigUInt64LE(0));
    expect(bytes.toString('utf8', 8, 8 + length).trimEnd()).toBe(header);
    expect(length % 8).toBe(0);
    expect(bytes.toString('hex', 8 + length)).toBe(data.replaceAll(' ', ''));
  });

  it('stands for these weights', () => {
    expect([...dequantize(EXAMPLE)]).toEqual([
      ...[0.25, 0.5, -1],
      ...[-0.5, 3, 1],
      ...[-0.5, 1, 1],
      ...[0.25, -0.25, -1],
      ...[0.25, -2, 1],
    ]);
  });

  it('stands for these where rows are scaled; reserved values stay as they are', () => {
    // 2.001953125 is a half; its product with a centroid is rounded to float32.
    const rowScales = Float32Array.of(2, 1, -1, 0, 2.001953125);
    const centroids = EXAMPLE_LEVELS.centroids.map((value) => (value === 0.25 ? 0.0999755859375 : value));
    const matrix = { ...EXAMPLE, levels: { ...EXAMPLE_LEVELS, centroids, rowScales } };
    expect([...dequantize(matrix)]).toEqual([
      ...[0.199951171875, 1, -2],
      ...[-0.5, 3, 1],
      ...[0.5, -1, -1],
      ...[0, -0, -0],
      ...[Math.fround(0.0999755859375 * 2.001953125), -2, 2.001953125],
    ]);
  });

  it('stands in the document as it is here', async () => {
    const document = await readFile(join(import.meta.dirname, '../../../docs/packed-format.md'), 'utf8');
    for (const text of ['d9 ca 01', '00 b8 00 34 00 bc 00 3c 00 bc 00 b4 00 38 00 3c', '| total | 41 |']) {
      expect(document).toContain(text);
    }
    for (const array of header.slice(header.indexOf('"classes"'), -1).split(/,(?="[a-z_]+":\{)/)) {
      expect(document).toContain(array);
    }
  });
});

describe('writeMatrix and readMatrix', () => {
  it('give back any matrix, and the bytes of its arrays', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'matrix.safetensors');
    for (let seed = 0; seed < 25; seed++) {
      const matrix = { ...randomMatrix(seed), loss: seed / 7 };
      const bytes = await writeMatrix(path, `matrix ${seed}`, matrix);
      expect(bytes).toBe(totalBytes(measurePacked(packMatrix(matrix))));
      expect(await readMatrix(path)).toEqual({ name: `matrix ${seed}`, matrix });
    }
    expect(await readdir(folder)).toEqual(['matrix.safetensors']);
  });

  it('give back any matrix on a uniform grid', async () => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    for (let seed = 0; seed < 25; seed++) {
      const matrix = { ...randomGridMatrix(seed), loss: seed };
      const { levels, widths } = matrix;
      const groupSize = levels.kind === 'grid' ? levels.groupSize : NaN;
      const bytes = await writeMatrix(path, 'grid', matrix);
      expect(bytes).toBe(totalBytes(packedGridBytes(matrix, widths[0] ?? NaN, groupSize)));
      expect(await readMatrix(path)).toEqual({ name: 'grid', matrix });
    }
  });

  it('write row scales as an array of halves', async () => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    const levels = { ...EXAMPLE_LEVELS, rowScales: Float32Array.of(1, 2, 0.5, -1, 3) };
    expect(await writeMatrix(path, 'scaled', { ...EXAMPLE, levels })).toBe(41 + 10);
    const file = await readArrays(path);
    expect(file.shape('row_scales')).toEqual([5]);
    expect([...file.f16('row_scales')]).toEqual([1, 2, 0.5, -1, 3]);
    expect((await readMatrix(path)).matrix.levels).toEqual(levels);
  });

  it('write narrow codebooks in bytes, the others in halves', async () => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    const levels = { ...EXAMPLE_LEVELS, byteCodebooks: true };
    // Eight centroids of one and two bits: -0.5, 0.25; -1, 1; -1, -0.25, 0.5, 1.
    expect(await writeMatrix(path, 'in bytes', { ...EXAMPLE, levels })).toBe(41 - 8);
    const file = await readArrays(path);
    expect(file.shape('codebooks')).toEqual([0]);
    expect([...file.u8('byte_codebooks')]).toEqual([0xb0, 0x28, 0xb8, 0x38, 0xb8, 0xa8, 0x30, 0x38]);
    expect((await readMatrix(path)).matrix).toEqual({ ...EXAMPLE, levels, loss: 0.5 });
  });

  it('write no centroid in a byte that has none', async () => {
    const folder = await temporaryFolder();
    const centroids = EXAMPLE_LEVELS.centroids.map((value) => (value === 0.25 ? 0.3 : value));
    const levels = { ...EXAMPLE_LEVELS, centroids, byteCodebooks: true };
    const path = join(folder, 'matrix.safetensors');
    await expect(writeMatrix(path, 'in bytes', { ...EXAMPLE, levels })).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });

  it('write nothing whose size is not the one foretold, and say which part', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'matrix.safetensors');
    const levels = { ...EXAMPLE_LEVELS, rowScales: Float32Array.of(1, 2, 3) };
    await expect(writeMatrix(path, 'scaled', { ...EXAMPLE, levels })).rejects.toThrow(
      '6 bytes of rowScales, not 10',
    );
    const grid = randomGridMatrix(1);
    const codes = new Uint8Array(grid.codes.length + 8);
    await expect(writeMatrix(path, 'grid', { ...grid, codes })).rejects.toThrow(/bytes of codes, not/);
    expect(await readdir(folder)).toEqual([]);
  });

  it('write the same bytes for the same matrix', async () => {
    const [first, second] = [await exampleFile(), await exampleFile()];
    expect(first.bytes.equals(second.bytes)).toBe(true);
  });
});

describe('readMatrix refuses', () => {
  it('a file that ends early, wherever it ends', async () => {
    const { path, bytes } = await exampleFile();
    for (let length = 0; length < bytes.length; length += 7) {
      await writeFile(path, bytes.subarray(0, length));
      expect((await thrownBy(() => readMatrix(path))).code).toBe('result/malformed');
    }
  });

  it('or reads whatever has a few bytes changed', async () => {
    const { path, bytes } = await exampleFile();
    const change = fc.record({
      at: fc.integer({ min: 0, max: bytes.length - 1 }),
      to: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = Buffer.from(bytes);
        for (const { at, to } of changes) changed[at] = to;
        await writeFile(path, changed);
        const outcome = await readMatrix(path).then(
          ({ matrix }) => matrix.codes.length === matrix.rows * matrix.columns,
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : error),
        );
        expect([true, 'result/malformed']).toContain(outcome);
      }),
      { numRuns: 300 },
    );
  });

  const arrays: readonly ArrayToWrite[] = [
    { name: 'scales', shape: [1, 4], data: new Float16Array(4) },
    { name: 'zeros', shape: [1, 4], data: new Uint8Array(4) },
    { name: 'codes', shape: [6], data: new Uint8Array(6) },
  ];
  const grid = { claq: '1', matrix: 'm', rows: '4', columns: '4', loss: '1', levels: 'grid' };

  it.each<[string, Record<string, string>]>([
    ['no version', { matrix: 'm' }],
    ['another version', { ...grid, claq: '2', width: '3', group_size: '4' }],
    ['no rows', { ...grid, rows: '0', width: '3', group_size: '4' }],
    ['rows that are no number', { ...grid, rows: '4.0', width: '3', group_size: '4' }],
    ['more rows than any matrix has', { ...grid, rows: '9999999', width: '3', group_size: '4' }],
    ['levels of another kind', { ...grid, levels: 'spline', width: '3', group_size: '4' }],
    ['no width', { ...grid, group_size: '4' }],
    ['no group size', { ...grid, width: '3' }],
    ['a width that does not fit the codes', { ...grid, width: '4', group_size: '4' }],
    ['groups that do not fit the scales', { ...grid, width: '3', group_size: '3' }],
    ['codebooks that are not there', { ...grid, levels: 'codebook' }],
  ])('%s', async (_, metadata) => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    await writeArrays(path, arrays, new Map(Object.entries(metadata)));
    expect(await thrownBy(() => readMatrix(path))).toMatchObject({ code: 'result/malformed', where: path });
  });

  it.each(['row_scales', 'column_scales'])(
    'an array that it does not know in such a file: %s',
    async (name) => {
      const path = join(await temporaryFolder(), 'matrix.safetensors');
      const more = [...arrays, { name, shape: [4], data: new Float16Array(4) }];
      const metadata = new Map(Object.entries({ ...grid, width: '3', group_size: '4' }));
      await writeArrays(path, arrays, metadata);
      expect((await readMatrix(path)).name).toBe('m');
      await writeArrays(path, more, metadata);
      expect(await thrownBy(() => readMatrix(path))).toMatchObject({
        code: 'result/malformed',
        where: path,
        found: `an array ${name}`,
      });
    },
  );

  it('a small file that claims a huge matrix, before it allocates one', async () => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    const rows = 1 << 12;
    const metadata = { ...grid, rows: String(rows), columns: String(1 << 18), group_size: String(1 << 18) };
    const small: readonly ArrayToWrite[] = [
      { name: 'scales', shape: [1, rows], data: new Float16Array(rows) },
      { name: 'zeros', shape: [1, rows], data: new Uint8Array(rows) },
      { name: 'codes', shape: [0], data: new Uint8Array(0) },
    ];
    await writeArrays(path, small, new Map(Object.entries(metadata)));
    expect((await thrownBy(() => readMatrix(path))).code).toBe('result/malformed');
  });

  it('codes wider than a matrix can have', async () => {
    const path = join(await temporaryFolder(), 'matrix.safetensors');
    const wide = arrays.map((array) =>
      array.name === 'codes' ? { ...array, shape: [18], data: new Uint8Array(18) } : array,
    );
    await writeArrays(path, wide, new Map(Object.entries({ ...grid, width: '9', group_size: '4' })));
    expect((await thrownBy(() => readMatrix(path))).code).toBe('result/malformed');
  });
});

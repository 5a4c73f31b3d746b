import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnClasses, packedBytes } from '../../../shared/bits.ts';
import { codebookFormOf } from '../../../main/engine/claq/quantized-matrix.ts';
import {
  type PackedCodebookMatrix,
  measurePacked,
  packMatrix,
  unpackMatrix,
} from '../../../main/engine/result/packed-matrix.ts';
import { randomGridMatrix, randomMatrix } from './random-matrix.ts';

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

describe('packMatrix and unpackMatrix', () => {
  it('give back any matrix', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const matrix = randomMatrix(seed);
        expect(unpackMatrix(packMatrix(matrix), matrix.rows, matrix.columns)).toEqual(matrix);
      }),
    );
  });

  it('take exactly the bytes that the plan foretells', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const matrix = randomMatrix(seed);
        const { rows, columns, widths, reservedStart, levels } = matrix;
        const form = levels.kind === 'codebook' ? codebookFormOf(levels) : {};
        const reserved = Int32Array.from(
          widths,
          (_, c) => (reservedStart[c + 1] ?? 0) - (reservedStart[c] ?? 0),
        );
        const plan = { widths, reservedLow: reserved, reservedHigh: new Int32Array(columns) };
        const expected = packedBytes({ rows, columns }, columnClasses(plan), form);
        expect(measurePacked(packMatrix(matrix))).toEqual(expected);
      }),
    );
  });

  it('refuse to pack a uniform grid', () => {
    expect(() => packMatrix(randomGridMatrix(1))).toThrow(TypeError);
  });
});

describe('unpackMatrix refuses', () => {
  // Two classes: 3 columns of 1 bit, 1 column of 2 bits with one entry reserved.
  const [rows, columns] = [6, 4];
  const packed = packMatrix({
    rows,
    columns,
    widths: Uint8Array.of(1, 1, 1, 2),
    levels: {
      kind: 'codebook',
      start: Int32Array.of(0, 2, 4, 6, 10),
      centroids: Float32Array.of(0, 1, 0, 1, 0, 1, 0, 1, 2, 3),
    },
    codes: new Uint8Array(24),
    reservedStart: Int32Array.of(0, 0, 0, 0, 1),
    reservedRows: Int32Array.of(5),
    reservedValues: Float32Array.of(9),
    loss: NaN,
  });

  it.each<[string, Partial<PackedCodebookMatrix>]>([
    ['codes that are too short', { codes: packed.codes.subarray(1) }],
    ['codes that are too long', { codes: new Uint8Array(packed.codes.length + 1) }],
    ['codebooks that are too short', { codebooks: packed.codebooks.subarray(1) }],
    ['values that are missing', { reservedValues: new Float16Array(0) }],
    ['positions that are missing', { reservedPositions: new Uint8Array(0) }],
    ['positions that are not in the column', { reservedPositions: Uint8Array.of(0) }],
    ['classes of columns that are too short', { columnClasses: new Uint8Array(0) }],
    ['scales of too few rows', { rowScales: new Float16Array(rows - 1) }],
    ['scales of too many rows', { rowScales: new Float16Array(rows + 1) }],
    ['codebooks in bytes that are in halves too', { byteCodebooks: new Uint8Array(6) }],
    ['codebooks in bytes for none', { byteCodebooks: new Uint8Array(0) }],
    ['no classes', { classes: new Int32Array(0), columnClasses: new Uint8Array(0) }],
    ['half a class', { classes: Int32Array.of(1, 0, 2) }],
    ['a class of no width', { classes: Int32Array.of(0, 0, 2, 1) }],
    ['a class that is too wide', { classes: Int32Array.of(1, 0, 9, 1) }],
    ['a class with more reserved entries than rows', { classes: Int32Array.of(1, 0, 2, 7) }],
    ['a class with a negative number of them', { classes: Int32Array.of(1, 0, 2, -1) }],
    [
      'a column of a class that is not there',
      { classes: Int32Array.of(1, 0), columnClasses: Uint8Array.of(2) },
    ],
    [
      'a centroid too few and a value too many',
      { codebooks: packed.codebooks.subarray(1), reservedValues: new Float16Array(2) },
    ],
    [
      'half a class and as many centroids less',
      { classes: Int32Array.of(1, 0, 2, 1, 1), codebooks: packed.codebooks.subarray(2) },
    ],
  ])('%s', (_, change) => {
    expect(() => unpackMatrix({ ...packed, ...change }, rows, columns)).toThrow(RangeError);
  });

  it('arrays of another shape', () => {
    expect(() => unpackMatrix(packed, rows, columns + 1)).toThrow(RangeError);
    expect(() => unpackMatrix(packed, rows + 1, columns)).toThrow(RangeError);
    expect(() => unpackMatrix(packed, 1 << 20, 1 << 20)).toThrow(RangeError);
    expect(unpackMatrix(packed, rows, columns).reservedRows).toEqual(Int32Array.of(5));
  });
});

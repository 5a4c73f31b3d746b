import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteWidth,
  classBits,
  classesOf,
  columnBits,
  columnClasses,
  nominalBitsOf,
  packedBytes,
  packedGridBytes,
  positionBits,
  positionLowBits,
  storedBits,
  totalBytes,
} from '../../shared/bits.ts';
import { budgetOfBits, planByOrder } from '../../shared/budget.ts';

function inOrder(columns: number): Int32Array {
  return Int32Array.from({ length: columns }, (_, column) => column);
}

describe('Elias-Fano positions', () => {
  it.each([
    // rows, count: low bits, bits in all = count (low bits + 1) + floor((rows - 1) / 2^low bits)
    [576, 16, 5, 16 * 6 + 17],
    [576, 4, 7, 4 * 8 + 4],
    [576, 1, 9, 1 * 10 + 1],
    [8, 8, 0, 8 * 1 + 7],
    [9, 8, 0, 8 * 1 + 8],
    [4096, 16, 8, 16 * 9 + 15],
    [1, 1, 0, 1],
  ])('%i rows, %i positions: %i low bits, %i bits', (rows, count, lowBits, bits) => {
    expect(positionLowBits(rows, count)).toBe(lowBits);
    expect(positionBits(rows, count)).toBe(bits);
  });

  it('cost nothing where there are none', () => {
    expect(positionBits(576, 0)).toBe(0);
  });

  it('cost at most 2 + log2(rows / count) bits each', () => {
    fc.assert(
      fc.property(
        fc
          .integer({ min: 1, max: 1 << 20 })
          .chain((rows) => fc.tuple(fc.constant(rows), fc.integer({ min: 1, max: rows }))),
        ([rows, count]) => {
          expect(positionBits(rows, count)).toBeLessThanOrEqual(count * (2 + Math.log2(rows / count)) + 1);
        },
      ),
    );
  });
});

it('names a class in as few bits as there are classes', () => {
  expect([0, 1, 2, 3, 4, 5, 8, 9, 256, 257].map(classBits)).toEqual([0, 0, 1, 2, 2, 3, 3, 4, 8, 9]);
});

it('counts the columns of each width and number of reserved entries', () => {
  expect(classesOf(Uint8Array.of(3, 2, 3, 2, 3), Int32Array.of(0, 4, 1, 4, 0))).toEqual([
    { width: 2, reserved: 4, columns: 2 },
    { width: 3, reserved: 0, columns: 2 },
    { width: 3, reserved: 1, columns: 1 },
  ]);
});

it('puts narrow classes before wide ones, few reserved entries before many', () => {
  const plan = {
    widths: Uint8Array.of(4, 2, 2, 4, 2),
    reservedLow: Int32Array.of(1, 3, 0, 0, 2),
    reservedHigh: Int32Array.of(1, 2, 0, 0, 3),
  };
  expect(columnClasses(plan)).toEqual([
    { width: 2, reserved: 0, columns: 1 },
    { width: 2, reserved: 5, columns: 2 },
    { width: 4, reserved: 0, columns: 1 },
    { width: 4, reserved: 2, columns: 1 },
  ]);
});

describe('a 576 x 576 matrix at 2.12', () => {
  // 2.5 % of 576 columns is 14 at 4 bits; the other 562 at 2. The first 10 %, 58 columns, reserve round(576 * 1.4 %) = 8
  // entries a tail, the other 518 round(576 * 0.4 %) = 2.
  const plan = planByOrder(inOrder(576), 576, budgetOfBits(2.12));
  const classes = columnClasses(plan);
  const bytes = packedBytes({ rows: 576, columns: 576 }, classes);

  it('has three classes', () => {
    expect(classes).toEqual([
      { width: 2, reserved: 4, columns: 518 },
      { width: 2, reserved: 16, columns: 44 },
      { width: 4, reserved: 16, columns: 14 },
    ]);
  });

  it('takes the bytes of the sum by hand', () => {
    expect(bytes).toEqual({
      codes: (576 * (562 * 2 + 14 * 4)) / 8, // 84960
      codebooks: 2 * (562 * 4 + 14 * 16), // 4944
      byteCodebooks: 0,
      columnClasses: 3 * 8 + (576 * 2) / 8, // 168
      reservedValues: 2 * (518 * 4 + 58 * 16), // 6000
      reservedPositions: Math.ceil((518 * 36 + 58 * 113) / 8), // 3151
      rowScales: 0,
      grid: 0,
    });
    expect(totalBytes(bytes)).toBe(84_960 + 4944 + 168 + 6000 + 3151);
    expect(storedBits(99_223, 576 * 576)).toBeCloseTo(2.3925, 4);
  });

  it('is the sum of its columns, but for the classes and the last byte', () => {
    const columns = 518 * columnBits(576, 2, 4) + 44 * columnBits(576, 2, 16) + 14 * columnBits(576, 4, 16);
    expect(8 * totalBytes(bytes) - columns).toBe(8 * 168 + (8 * 3151 - (518 * 36 + 58 * 113)));
  });
});

it('knows the bits of one column', () => {
  expect(columnBits(576, 2, 0)).toBe(576 * 2 + 4 * 16);
  expect(columnBits(576, 4, 16)).toBe(576 * 4 + 16 * 16 + 16 * 16 + 113);
});

it('rounds codes, classes and positions up to whole bytes', () => {
  const bytes = packedBytes({ rows: 3, columns: 3 }, [
    { width: 1, reserved: 0, columns: 2 },
    { width: 3, reserved: 1, columns: 1 },
  ]);
  expect(bytes).toEqual({
    codes: 2, // 3 * 1 + 3 * 1 + 3 * 3 = 15 bits
    codebooks: 24, // 2 + 2 + 8 centroids
    byteCodebooks: 0,
    columnClasses: 17, // two classes, 3 bits
    reservedValues: 2,
    reservedPositions: 1, // one position below 3: 1 low bit, a one, and floor(2 / 2) zeros
    rowScales: 0,
    grid: 0,
  });
});

it('counts a half a row where rows are scaled', () => {
  const classes = [{ width: 2, reserved: 0, columns: 3 }];
  const [plain, scaled] = [
    packedBytes({ rows: 10, columns: 3 }, classes),
    packedBytes({ rows: 10, columns: 3 }, classes, { scaledRows: true }),
  ];
  expect(scaled).toEqual({ ...plain, rowScales: 20 });
  expect(totalBytes(scaled)).toBe(totalBytes(plain) + 20);
});

it('counts a byte a centroid of up to 4 bits where rows are few, else two', () => {
  expect([1, 576, 4096, 4097, 8192, 8193, 16_384, 16_385, 32_768, 32_769].map(byteWidth)).toEqual([
    4, 4, 4, 3, 3, 2, 2, 1, 1, 0,
  ]);
  const classes = [
    { width: 2, reserved: 0, columns: 3 },
    { width: 5, reserved: 0, columns: 1 },
  ];
  const [plain, bytes] = [
    packedBytes({ rows: 10, columns: 4 }, classes),
    packedBytes({ rows: 10, columns: 4 }, classes, { byteCodebooks: true }),
  ];
  expect(plain.codebooks).toBe(2 * (3 * 4 + 32));
  expect(bytes).toEqual({ ...plain, codebooks: 2 * 32, byteCodebooks: 3 * 4 });
  expect(totalBytes(plain) - totalBytes(bytes)).toBe(12);
  expect(columnBits(576, 2, 4, { byteCodebooks: true })).toBe(columnBits(576, 2, 4) - 8 * 4);
  expect(columnBits(576, 5, 4, { byteCodebooks: true })).toBe(columnBits(576, 5, 4));
});

it('counts a uniform grid: codes, and a half and a byte a row and group', () => {
  const bytes = packedGridBytes({ rows: 10, columns: 300 }, 3, 128);
  expect(bytes.codes).toBe(1125);
  expect(bytes.grid).toBe(3 * 10 * 3);
  expect(totalBytes(bytes)).toBe(1215);
  expect(storedBits(totalBytes(bytes), 3000)).toBe(3.24);
});

describe('nominal bits of what came out', () => {
  it('are index bits and 7 bits for every reserved entry, over all weights', () => {
    const classes = [
      { width: 2, reserved: 4, columns: 3 },
      { width: 4, reserved: 10, columns: 1 },
    ];
    // (3 * (100 * 2 + 7 * 4) + (100 * 4 + 7 * 10)) / 400 and a matrix of 200 weights at 3 bits.
    expect(nominalBitsOf([{ rows: 100, columns: 4, classes }])).toBe(1154 / 400);
    expect(
      nominalBitsOf([
        { rows: 100, columns: 4, classes },
        { rows: 50, columns: 4, classes: [{ width: 3, reserved: 0, columns: 4 }] },
      ]),
    ).toBe(1754 / 600);
  });

  it("come close to the name of the paper's settings on large matrices", () => {
    for (const bits of [2, 2.1, 2.12, 2.24, 3.12, 3.23, 4]) {
      const plan = planByOrder(inOrder(4000), 4000, budgetOfBits(bits));
      const matrix = { rows: 4000, columns: 4000, classes: columnClasses(plan) };
      expect(Math.abs(nominalBitsOf([matrix]) - bits)).toBeLessThan(0.002);
    }
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Allocation, allocate, leastBytes } from '../../shared/allocation.ts';
import { type AllocationMatrix, packedPlanBytes } from '../../shared/allocation-matrix.ts';
import type { CodebookForm } from '../../shared/bits.ts';
import { ClaqError } from '../../shared/errors.ts';

const OPTIONS = [
  { width: 1, reserved: 0 },
  { width: 2, reserved: 0 },
  { width: 2, reserved: 4 },
  { width: 4, reserved: 0 },
] as const;

/** @param losses of each column, with each of OPTIONS */
function matrixOf(
  rows: number,
  losses: readonly (readonly number[])[],
  form: CodebookForm = {},
): AllocationMatrix {
  return {
    shape: { rows, columns: losses.length },
    form,
    options: OPTIONS,
    losses: Float32Array.from(losses.flat()),
  };
}

interface Assignment {
  readonly bytes: number;
  readonly loss: number;
}

/** Bytes and loss with these options, counted from the columns as the exporter does. */
function assignment(matrix: AllocationMatrix, chosen: readonly number[]): Assignment {
  const { shape, form, options, losses } = matrix;
  const of = (part: 'width' | 'reserved'): number[] => chosen.map((option) => options[option]?.[part] ?? NaN);
  const plan = { widths: Uint8Array.from(of('width')), reserved: Int32Array.from(of('reserved')) };
  return {
    bytes: packedPlanBytes(shape, plan, form),
    loss: chosen.reduce((sum, option, column) => sum + (losses[column * options.length + option] ?? NaN), 0),
  };
}

/** All ways to give options to the columns of a matrix. */
function assignments(matrix: AllocationMatrix): Assignment[] {
  const { options, shape } = matrix;
  return Array.from({ length: options.length ** shape.columns }, (_, ways) =>
    assignment(
      matrix,
      Array.from(
        { length: shape.columns },
        (_, column) => Math.floor(ways / options.length ** column) % options.length,
      ),
    ),
  );
}

/** The least loss of two matrices within so many bytes. */
function leastLoss([one, other]: readonly [AllocationMatrix, AllocationMatrix], budget: number): number {
  let least = Infinity;
  const others = assignments(other);
  for (const a of assignments(one)) {
    for (const b of others) if (a.bytes + b.bytes <= budget) least = Math.min(least, a.loss + b.loss);
  }
  return least;
}

/** The option of each column, from its width and reserved entries. */
function optionsOf(matrices: readonly AllocationMatrix[], allocation: Allocation): number[][] {
  return allocation.matrices.map(({ widths, reserved }, index) =>
    Array.from(widths, (width, column) =>
      (matrices[index]?.options ?? []).findIndex(
        (option) => option.width === width && option.reserved === reserved[column],
      ),
    ),
  );
}

const ROWS = 400;
/** One column of each matrix is worth much more than the others, and one of the second is mended by reserving entries. */
const CASE: readonly [AllocationMatrix, AllocationMatrix] = [
  matrixOf(ROWS, [
    [64, 16, 15, 1],
    [900, 240, 230, 16],
    [60, 15, 14, 1],
  ]),
  matrixOf(ROWS, [
    [80, 20, 19, 2],
    [600, 500, 9, 40],
    [70, 18, 17, 1],
  ]),
];

describe('an allocation over two matrices of three columns', () => {
  it('has at least the bytes of all columns at the cheapest option', () => {
    // A class (8 bytes) and three columns of 400 bits and two halves, each.
    expect(leastBytes(CASE)).toBe(2 * (8 + 3 * (50 + 4)));
    expect(leastBytes(CASE)).toBe(340);
  });

  // Each is the best of all 4096 ways, and so is what it loses.
  it.each([
    [
      340,
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
      340,
      1774,
    ],
    [
      425,
      [
        [0, 2, 0],
        [0, 0, 0],
      ],
      416,
      1104,
    ],
    [
      500,
      [
        [0, 2, 0],
        [0, 2, 0],
      ],
      492,
      513,
    ],
    [
      600,
      [
        [0, 2, 0],
        [1, 2, 1],
      ],
      600,
      401,
    ],
    [
      650,
      [
        [0, 3, 0],
        [0, 2, 0],
      ],
      603,
      299,
    ],
    [
      758,
      [
        [0, 3, 0],
        [2, 2, 2],
      ],
      726,
      185,
    ],
    [
      900,
      [
        [2, 3, 2],
        [2, 2, 2],
      ],
      859,
      90,
    ],
    [
      1200,
      [
        [3, 3, 1],
        [3, 2, 3],
      ],
      1191,
      44,
    ],
  ])('spends %i bytes where they save most', (budget, options, bytes, loss) => {
    const found = allocate(CASE, budget);
    expect(optionsOf(CASE, found)).toEqual(options);
    expect(found).toMatchObject({ bytes, loss });
    expect(leastLoss(CASE, budget)).toBe(loss);
  });

  it('takes what loses least where the budget allows it, and not more bytes for the same loss', () => {
    const found = allocate(CASE, 1e6);
    expect(optionsOf(CASE, found)).toEqual([
      [3, 3, 3],
      [3, 2, 3],
    ]);
    expect(found).toMatchObject({ loss: 1 + 16 + 1 + 2 + 9 + 1, lossPerByte: 0 });
    const even = matrixOf(ROWS, [[7, 7, 7, 7]]);
    expect(optionsOf([even], allocate([even], 1e6))).toEqual([[0]]);
  });

  it('cannot be had for less than the least', () => {
    expect(() => allocate(CASE, 339)).toThrow(
      new ClaqError('budget/cannot-be-met', 'The matrices do not fit in this size', {
        expected: 'at least 340 bytes (340 bytes)',
        found: '339 bytes',
        remedy: 'allow more',
      }),
    );
  });

  it('counts the scales of rows', () => {
    const scaled = [{ ...CASE[0], form: { scaledRows: true } }, CASE[1]];
    expect(leastBytes(scaled)).toBe(340 + 2 * ROWS);
    const { matrices, bytes } = allocate(scaled, 600 + 2 * ROWS);
    expect({ matrices, bytes }).toEqual({ matrices: allocate(CASE, 600).matrices, bytes: 600 + 2 * ROWS });
  });
});

/** Two matrices of up to three columns, with losses of every kind, and a share of the way from the least to the most bytes. */
const cases = fc
  .record({
    rows: fc.integer({ min: 1, max: 400 }),
    columns: fc.integer({ min: 1, max: 3 }),
    form: fc.record({ scaledRows: fc.boolean(), byteCodebooks: fc.boolean() }),
  })
  .chain(({ rows, columns, form }) => {
    const losses = fc.array(fc.tuple(loss(), loss(), loss(), loss()), {
      minLength: columns,
      maxLength: columns,
    });
    return fc.record({
      matrices: fc.tuple(
        losses.map((each) => matrixOf(rows, each, form)),
        losses.map((each) => matrixOf(rows, each)),
      ),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    });
  });

function loss(): fc.Arbitrary<number> {
  return fc.oneof(fc.integer({ min: 0, max: 20 }), fc.float({ min: 0, max: 1000, noNaN: true }));
}

function budgetAt(matrices: readonly AllocationMatrix[], part: number): number {
  const least = leastBytes(matrices);
  return Math.floor(least + part * (allocate(matrices, Infinity).bytes - least));
}

describe('any allocation', () => {
  it('spends what a class gives back on another matrix', () => {
    const least = 1.401298464324817e-45;
    const scaled = matrixOf(
      267,
      [
        [1, 1, 0, 1],
        [1, 1, 1, 2 ** -33],
        [least, 0, least, 0],
      ],
      { scaledRows: true },
    );
    const other = matrixOf(267, [
      [0, 0, 0, 0],
      [1, least, 0, 0],
      [1, 49 * least, 0, 0],
    ]);
    const { matrices } = allocate([scaled, other], 1110);
    // Four entries that are kept cost 20 bytes, which are left: they go where they take off most.
    expect([...(matrices[1]?.reserved ?? [])]).toEqual([0, 0, 4]);
  });

  it('is within the budget, has the bytes that are written, and leaves no upgrade that fits', () => {
    fc.assert(
      fc.property(cases, ({ matrices, part }) => {
        const budget = budgetAt(matrices, part);
        const found = allocate(matrices, budget);
        const options = optionsOf(matrices, found);
        const sizes = matrices.map((matrix, index) => assignment(matrix, options[index] ?? []));
        expect(found.bytes).toBe(sizes.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(found.bytes).toBeLessThanOrEqual(budget);
        expect(found.loss).toBeCloseTo(
          sizes.reduce((sum, each) => sum + each.loss, 0),
          6,
        );
        for (const [index, matrix] of matrices.entries()) {
          const chosen = options[index] ?? [];
          const now = assignment(matrix, chosen);
          for (const column of chosen.keys()) {
            for (const option of matrix.options.keys()) {
              const changed = assignment(matrix, chosen.with(column, option));
              if (found.bytes - now.bytes + changed.bytes > budget) continue;
              expect(changed.loss).toBeGreaterThanOrEqual(now.loss);
            }
          }
        }
      }),
    );
  });

  it('is as good as the best that takes a step and a table of classes less', () => {
    const slack = (rows: number): number => {
      const largestStep = (rows * 3) / 8 + 2 * (16 - 2);
      // Two matrices: four classes where one would do, two bits of three columns, two last bytes.
      return largestStep + 2 * (3 * 8 + 1 + 2);
    };
    fc.assert(
      fc.property(cases, ({ matrices, part }) => {
        const budget = budgetAt(matrices, part);
        const found = allocate(matrices, budget).loss;
        expect(found).toBeGreaterThanOrEqual(leastLoss(matrices, budget) - 1e-6);
        expect(found).toBeLessThanOrEqual(leastLoss(matrices, budget - slack(matrices[0].shape.rows)) + 1e-6);
      }),
      { numRuns: 40 },
    );
  });

  it('is the same each time', () => {
    fc.assert(
      fc.property(cases, ({ matrices, part }) => {
        const budget = budgetAt(matrices, part);
        expect(allocate(matrices, budget)).toEqual(allocate(matrices, budget));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a matrix that is none', () => {
  const [matrix] = CASE;
  it.each([
    ['no options', { ...matrix, options: [], losses: new Float32Array() }, '0 options, 0 of them distinct'],
    [
      'an option twice',
      { ...matrix, options: [...OPTIONS.slice(1), OPTIONS[1]] },
      '4 options, 3 of them distinct',
    ],
    [
      'losses of other columns',
      { ...matrix, losses: new Float32Array(8) },
      '8 losses of 3 columns and 4 options',
    ],
  ])('is refused: %s', (_, wrong, message) => {
    expect(() => allocate([wrong], 1000)).toThrow(new TypeError(message));
  });
});

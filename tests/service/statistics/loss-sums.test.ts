import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SUMS_A_MATRIX, sumAlong } from '../../../main/service/statistics/loss-sums.ts';
import { ANALYSED_ERRORS } from '../../../shared/analysed-errors.ts';
import { PROFILE_POSITIONS } from '../../../shared/loss-profile.ts';

interface Columns {
  readonly order: Uint16Array;
  readonly errors: Float16Array;
  readonly energies: Float64Array;
}

const anyColumns: fc.Arbitrary<Columns> = fc.integer({ min: 1, max: 150 }).chain((columns) =>
  fc
    .tuple(
      fc.shuffledSubarray(
        Array.from({ length: columns }, (_, column) => column),
        { minLength: columns, maxLength: columns },
      ),
      fc.float32Array({
        minLength: columns * ANALYSED_ERRORS,
        maxLength: columns * ANALYSED_ERRORS,
        min: 0,
        max: 1,
        noNaN: true,
      }),
      fc.float64Array({ minLength: columns, maxLength: columns, min: 0, max: 1000, noNaN: true }),
    )
    .map(([order, errors, energies]) => ({
      order: Uint16Array.from(order),
      errors: Float16Array.from(errors),
      energies,
    })),
);

/** Column by column: each belongs to the first columns with the part of it that is before the position. */
function plainSum({ order, errors, energies }: Columns, share: number, cell: number): number {
  let sum = 0;
  for (const [rank, column] of order.entries()) {
    const part = Math.min(1, Math.max(0, share * order.length - rank));
    sum += part * (energies[column] ?? NaN) * (errors[column * ANALYSED_ERRORS + cell] ?? NaN);
  }
  return sum;
}

it('sums errors along an order, up to each position', () => {
  fc.assert(
    fc.property(anyColumns, (columns) => {
      const sums = new Float32Array(SUMS_A_MATRIX);
      sumAlong(columns.order, columns.errors, columns.energies, sums);
      for (const [position, share] of PROFILE_POSITIONS.entries()) {
        for (const cell of [0, 7, ANALYSED_ERRORS - 1]) {
          const plain = plainSum(columns, share, cell);
          const found = sums[position * ANALYSED_ERRORS + cell] ?? NaN;
          expect(Math.abs(found - plain)).toBeLessThanOrEqual(1e-6 * plain + 1e-40);
        }
      }
    }),
    { numRuns: 40 },
  );
});

it('has nothing at the beginning and everything at the end', () => {
  const errors = Float16Array.from({ length: 2 * ANALYSED_ERRORS }, (_, index) => index / 64);
  const sums = new Float32Array(SUMS_A_MATRIX).fill(NaN);
  sumAlong(Uint16Array.of(1, 0), errors, Float64Array.of(2, 4), sums);
  expect([...sums.subarray(0, ANALYSED_ERRORS)]).toEqual(Array.from({ length: ANALYSED_ERRORS }, () => 0));
  expect(sums[SUMS_A_MATRIX - ANALYSED_ERRORS + 1]).toBe(2 / 64 + (4 * 31) / 64);
  // A quarter of two columns is half of the first one.
  expect(sums[32 * ANALYSED_ERRORS + 1]).toBe((0.5 * 4 * 31) / 64);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AllocationMatrix, bitsOfClasses, bitsOfOptions } from '../../shared/allocation-matrix.ts';
import { offeredOptions } from '../../shared/allocation-options.ts';

const ROWS = 100;
const OPTIONS = [1, 2, 3, 4, 5].map((width) => ({ width, reserved: 0 }));

function matrixOf(losses: readonly (readonly number[])[]): AllocationMatrix {
  return {
    shape: { rows: ROWS, columns: losses.length },
    form: {},
    options: OPTIONS,
    losses: Float32Array.from(losses.flat()),
  };
}

/** Least loss + price * bits with these options, classes counted. */
function costOf(matrix: AllocationMatrix, offered: readonly number[], price: number): number {
  const bits = bitsOfOptions(matrix);
  let cost = price * bitsOfClasses(matrix.shape, offered.length);
  for (let column = 0; column < matrix.shape.columns; column++) {
    cost += Math.min(
      ...offered.map((option) => (matrix.losses[column * 5 + option] ?? NaN) + price * (bits[option] ?? NaN)),
    );
  }
  return cost;
}

const SETS = Array.from({ length: 31 }, (_, set) =>
  [0, 1, 2, 3, 4].filter((option) => ((set + 1) >> option) & 1),
);

const like = (scale: number): number[] => [1, 2, 3, 4, 5].map((width) => scale * 4 ** -width);

describe('offeredOptions', () => {
  it('are few where bits are dear, more where columns differ', () => {
    const even = matrixOf(Array.from({ length: 64 }, () => like(1000)));
    // A bit saves 187.5, 46.9, 11.7 ..., and takes 132, 164, 228 bits.
    expect(offeredOptions(even, 2)).toEqual([0]);
    expect(offeredOptions(even, 1)).toEqual([1]);
    expect(offeredOptions(even, 0.2)).toEqual([2]);
    const two = matrixOf(Array.from({ length: 64 }, (_, column) => like(column % 2 === 0 ? 1000 : 64_000)));
    expect(offeredOptions(two, 1)).toEqual([1, 3]);
  });

  it('leave out an option of one column, which costs all others a bit of their class', () => {
    // The column loses 2764 - 812 less with it.
    const one = (columns: number): AllocationMatrix =>
      matrixOf(Array.from({ length: columns }, (_, column) => like(column === 0 ? 40_000 : 1000)));
    expect(offeredOptions(one(32), 1)).toEqual([1, 3]);
    expect(offeredOptions(one(4096), 1)).toEqual([1]);
  });

  it('keep what the columns need where nothing has a price', () => {
    const matrix = matrixOf([
      [1, 2, 2, 2, 2],
      [3, 3, 0, 3, 3],
    ]);
    expect(offeredOptions(matrix, 0)).toEqual([0, 2]);
  });

  it('cost little more than the best of all sets, and never more than all options', () => {
    const columns = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(columns, fc.double({ min: -2, max: 1, noNaN: true }), (exponents, priceExponent) => {
        const matrix = matrixOf(exponents.map((exponent) => like(10 ** exponent)));
        const price = 10 ** priceExponent;
        const cost = costOf(matrix, offeredOptions(matrix, price), price);
        expect(cost).toBeLessThanOrEqual(costOf(matrix, [0, 1, 2, 3, 4], price) * (1 + 1e-12));
        expect(cost).toBeLessThanOrEqual(1.05 * Math.min(...SETS.map((set) => costOf(matrix, set, price))));
      }),
    );
  });
});

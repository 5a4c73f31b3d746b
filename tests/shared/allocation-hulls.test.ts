import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chosenOptions, columnHulls, gainsBetween, marginalGain } from '../../shared/allocation-hulls.ts';
import { type AllocationMatrix, bitsOfOptions } from '../../shared/allocation-matrix.ts';

/** 100 rows: widths 1, 2, 3, 4 take 132, 264, 428, 656 bits. */
const WIDTHS = [4, 1, 3, 2];

function matrixOf(losses: readonly (readonly number[])[]): AllocationMatrix {
  return {
    shape: { rows: 100, columns: losses.length },
    form: {},
    options: WIDTHS.map((width) => ({ width, reserved: 0 })),
    losses: Float32Array.from(losses.flat()),
  };
}

const EVERY = [0, 1, 2, 3];

it('knows the bits of the options', () => {
  expect([...bitsOfOptions(matrixOf([]))]).toEqual([656, 132, 428, 264]);
});

describe('columnHulls', () => {
  it('are the options that some price of a bit chooses, the cheapest first', () => {
    const hulls = columnHulls(
      matrixOf([
        // All four: gains 5, 2, 0.5.
        [0.0, 1102, 114, 442],
        // The way from 1 to 3 gains 2 per bit, by 2 first only 1.
        [0, 592, 0, 460],
        // Wider is no better.
        [7, 5, 6, 5],
      ]),
      EVERY,
    );
    expect([...hulls.starts]).toEqual([0, 4, 6, 7]);
    expect([...hulls.options]).toEqual([1, 3, 2, 0, 1, 2, 1]);
    expect([...hulls.gains]).toEqual([Infinity, 5, 2, 0.5, Infinity, 2, Infinity]);
    expect([...hulls.bits]).toEqual([132, 132, 164, 228, 132, 296, 132]);
  });

  it('leave out options that are not on offer', () => {
    const hulls = columnHulls(matrixOf([[0, 1102, 114, 442]]), [0, 3]);
    expect([...hulls.options]).toEqual([3, 0]);
    expect([...hulls.bits]).toEqual([264, 392]);
  });

  it('take the better of two options of the same bits', () => {
    const matrix = {
      ...matrixOf([[3, 2, 1, 2]]),
      shape: { rows: 1, columns: 1 },
      // One row: 1 bit and 2 centroids, 1 reserved entry more, ..., as bits go 33, 50; 17 more for another entry.
      options: [
        { width: 1, reserved: 0 },
        { width: 1, reserved: 1 },
      ],
      losses: Float32Array.of(4, 4),
    };
    expect([...columnHulls(matrix, [0, 1]).options]).toEqual([0]);
  });

  it('fall in gain, and hold the option of least loss + price * bits at any price', () => {
    const losses = fc.array(
      fc.array(fc.float({ min: 0, max: 100, noNaN: true }), { minLength: 4, maxLength: 4 }),
      {
        minLength: 1,
        maxLength: 5,
      },
    );
    fc.assert(
      fc.property(losses, fc.double({ min: 1e-4, max: 1, noNaN: true }), (each, price) => {
        const matrix = matrixOf(each);
        const bits = bitsOfOptions(matrix);
        const costOf = (column: number, option: number): number =>
          (matrix.losses[column * 4 + option] ?? NaN) + price * (bits[option] ?? NaN);
        const [chosen] = chosenOptions([columnHulls(matrix, EVERY)], Math.fround(price), 0);
        for (const column of each.keys()) {
          const least = Math.min(...EVERY.map((option) => costOf(column, option)));
          expect(costOf(column, chosen?.[column] ?? NaN)).toBeCloseTo(least, 3);
        }
      }),
    );
  });
});

describe('the price at the margin', () => {
  const hulls = [
    columnHulls(matrixOf([[0, 1102, 114, 442]]), EVERY),
    columnHulls(
      matrixOf([
        [0, 592, 0, 460],
        [0, 1102, 114, 442],
      ]),
      EVERY,
    ),
  ];
  it('lies between the gains of all steps', () => {
    expect(gainsBetween(hulls)).toEqual({ flattest: 0.5, steepest: 5 });
    expect(gainsBetween([columnHulls(matrixOf([[1, 1, 1, 1]]), EVERY)])).toEqual({
      flattest: 0,
      steepest: 0,
    });
  });

  // The cheapest take 396; gain 5 takes 132 twice, gain 2 164, 296, 164, gain 0.5 228 twice.
  it.each([
    [395, Infinity, [[1], [0, 1]]],
    [396, 5, [[1], [1, 1]]],
    [396 + 132, 5, [[3], [1, 1]]],
    [396 + 263, 5, [[3], [1, 1]]],
    [396 + 264, 2, [[3], [1, 3]]],
    // Of steps that gain as much, the first ones that fit.
    [396 + 264 + 164, 2, [[2], [1, 3]]],
    [396 + 264 + 163 + 165, 2, [[2], [1, 2]]],
    [396 + 264 + 164 + 296, 2, [[2], [2, 3]]],
    [396 + 264 + 624, 0.5, [[2], [2, 2]]],
    [396 + 264 + 624 + 228, 0.5, [[0], [2, 2]]],
    [396 + 264 + 624 + 456, 0, [[0], [2, 0]]],
  ])('%i bits', (limit, price, chosen) => {
    expect(marginalGain(hulls, limit)).toBe(price);
    if (price < Infinity) {
      expect(chosenOptions(hulls, price, limit).map((each) => [...each])).toEqual(chosen);
    }
  });

  it('is that of sorted steps, with gains close together and far apart', () => {
    const gains = fc.array(
      fc.tuple(
        fc.oneof(fc.float({ min: 0, noNaN: true }), fc.constantFrom(1, 1.0000001, 1.5)),
        fc.nat({ max: 999 }),
      ),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(gains, fc.nat({ max: 20_000 }), (steps, limit) => {
        const sorted = steps
          .map(([gain, bits]) => [Math.fround(Math.abs(gain)), bits] as const)
          .sort(([a], [b]) => b - a);
        let left = limit;
        const margin = sorted.find(([, bits]) => (left -= bits) < 0)?.[0] ?? 0;
        const hull = {
          starts: Int32Array.of(0, sorted.length),
          options: new Uint8Array(sorted.length),
          gains: Float32Array.from(sorted, ([gain]) => gain),
          bits: Int32Array.from(sorted, ([, bits]) => bits),
        };
        expect(marginalGain([hull], limit)).toBe(margin);
      }),
    );
  });
});

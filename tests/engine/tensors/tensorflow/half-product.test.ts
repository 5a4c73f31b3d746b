import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { sumPieces } from '../../../../main/engine/tensors/tensorflow/half-product.ts';

describe('the pieces of a long sum', () => {
  it.each([
    [20, [[0, 20]]],
    [576, [[0, 576]]],
    [768, [[0, 768]]],
    [
      700,
      [
        [0, 672],
        [672, 28],
      ],
    ],
    [
      1536,
      [
        [0, 768],
        [768, 768],
      ],
    ],
    [
      2000,
      [
        [0, 768],
        [768, 768],
        [1536, 448],
        [1984, 16],
      ],
    ],
  ])('of %i', (inner, expected) => {
    expect(sumPieces(inner).map(({ from, length }) => [from, length])).toEqual(expected);
  });

  it('are all of it, one behind another', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20_000 }), (inner) => {
        let at = 0;
        for (const { from, length } of sumPieces(inner)) {
          expect(from).toBe(at);
          expect(length > 0 && length <= 768 && (length % 32 === 0 || from + length === inner)).toBe(true);
          at += length;
        }
        expect(at).toBe(inner);
      }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import { extrapolatedRate, rateAt } from '../../../main/service/preflight/rate-curve.ts';

describe('rates', () => {
  const curve = [
    { size: 100, rate: 1 },
    { size: 400, rate: 3 },
  ];

  it('lie on a straight line over the logarithm of the size, and stay at the ends', () => {
    expect([50, 100, 200, 400, 900].map((size) => rateAt(curve, size))).toEqual([1, 1, 2, 3, 3]);
  });

  it('go on beyond the last size as a fixed and a falling part, at most twofold', () => {
    // A unit takes 1 / 9 + 8 / 9 x 100 / size.
    expect(extrapolatedRate(curve, 400)).toBe(3);
    expect(extrapolatedRate(curve, 800)).toBeCloseTo(4.5, 12);
    expect(extrapolatedRate(curve, 1e9)).toBe(6);
    expect(extrapolatedRate([{ size: 1, rate: 5 }], 100)).toBe(5);
  });
});

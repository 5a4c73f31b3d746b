import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_CURVE_POINTS, outlierCurve } from '../../../main/engine/inspect/outlier-curve.ts';

describe('outlierCurve', () => {
  it('keeps the two ends of each run of equal columns', () => {
    expect(outlierCurve(Uint32Array.of(9, 4, 4, 4, 4, 1, 0, 0, 0))).toEqual({
      ranks: [0, 1, 4, 5, 6, 8],
      outliers: [9, 4, 4, 1, 0, 0],
    });
  });

  it('is two points for columns without outliers, and one for a single column', () => {
    expect(outlierCurve(new Uint32Array(4096))).toEqual({ ranks: [0, 4095], outliers: [0, 0] });
    expect(outlierCurve(Uint32Array.of(3))).toEqual({ ranks: [0], outliers: [3] });
  });

  it('thins a long curve behind its head, which stays whole', () => {
    const steep = Uint32Array.from({ length: 5000 }, (_, rank) => 5000 - rank);
    const { ranks, outliers } = outlierCurve(steep);
    expect(ranks).toHaveLength(MAX_CURVE_POINTS);
    expect(ranks.slice(0, 128)).toEqual(Array.from({ length: 128 }, (_, rank) => rank));
    expect([ranks[128], ranks.at(-1)]).toEqual([140, 4999]);
    expect(outliers.at(-1)).toBe(1);
  });

  it('never has more points than a screen shows, in ascending order, with both ends', () => {
    fc.assert(
      fc.property(fc.uint32Array({ minLength: 1, maxLength: 3000, max: 400 }), (counts) => {
        const sorted = counts.toSorted((a, b) => b - a);
        const { ranks, outliers } = outlierCurve(sorted);
        expect(ranks.length).toBeLessThanOrEqual(MAX_CURVE_POINTS);
        expect([ranks[0], ranks.at(-1)]).toEqual([0, sorted.length - 1]);
        expect(ranks.every((rank, index) => index === 0 || rank > (ranks[index - 1] ?? 0))).toBe(true);
        expect(outliers).toEqual(ranks.map((rank) => sorted[rank]));
      }),
    );
  });
});

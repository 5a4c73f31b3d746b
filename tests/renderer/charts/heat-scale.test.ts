import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeatScale, heatScale, sameScale } from '../../../renderer/charts/heat-scale.ts';

function ticksOf(scale: HeatScale | undefined): number[] {
  return (scale?.ticks ?? []).map(({ value }) => value);
}

describe('heatScale', () => {
  it('has none without figures', () => {
    expect(heatScale([], 'log')).toBeUndefined();
    expect(heatScale([NaN, Infinity], 'linear')).toBeUndefined();
  });

  it('has round ends and ticks on a logarithmic scale', () => {
    const scale = heatScale([0.0123, 0.94], 'log');
    expect(scale).toMatchObject({ kind: 'log', low: 0.01, high: 1 });
    expect(ticksOf(scale)).toEqual([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]);
    expect(scale?.fraction(0.1)).toBeCloseTo(0.5, 12);
  });

  it('has a tick a decade, or fewer, over many decades', () => {
    expect(ticksOf(heatScale([1e-3, 10], 'log'))).toEqual([0.001, 0.01, 0.1, 1, 10]);
    expect(ticksOf(heatScale([1e-8, 1e6], 'log'))).toHaveLength(8);
  });

  it('has round ends and ticks on a linear scale', () => {
    const scale = heatScale([0.3, 8.9], 'linear');
    expect(scale).toMatchObject({ kind: 'linear', low: 0, high: 10 });
    expect(ticksOf(scale)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(heatScale([2.41, 2.62], 'linear', { fromZero: false })).toMatchObject({ low: 2.4 });
  });

  it('becomes linear where no figure is above 0', () => {
    expect(heatScale([0, 0], 'log')?.kind).toBe('linear');
  });

  it('puts 0 at the low end of a logarithmic scale', () => {
    expect(heatScale([0, 0.1, 1], 'log')?.fraction(0)).toBe(0);
  });

  it('stays the same while figures stay within its ends', () => {
    const before = heatScale([0.0123, 0.94], 'log');
    expect(sameScale(before, heatScale([0.0123, 0.94, 0.5, 0.011], 'log'))).toBe(true);
    expect(sameScale(before, heatScale([0.0123, 0.94, 1.4], 'log'))).toBe(false);
    expect(sameScale(before, heatScale([0.0123, 0.94], 'linear'))).toBe(false);
    expect(sameScale(undefined, undefined)).toBe(true);
    expect(sameScale(before, undefined)).toBe(false);
  });

  it('holds every figure between its ends, in order, with few ticks', () => {
    const figure = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(figure, { minLength: 1 }),
        fc.constantFrom('log', 'linear'),
        fc.boolean(),
        (values, kind, fromZero) => {
          const scale = heatScale(values, kind, { fromZero });
          expect(scale).toBeDefined();
          if (scale === undefined) return;
          const fractions = values.toSorted((a, b) => a - b).map(scale.fraction);
          expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
          expect(fractions[0]).toBeGreaterThanOrEqual(-1e-6);
          expect(fractions.at(-1)).toBeLessThanOrEqual(1 + 1e-6);
          expect(scale.ticks.length).toBeLessThanOrEqual(9);
          for (const tick of scale.ticks) {
            expect(tick.fraction).toBeGreaterThanOrEqual(-1e-6);
            expect(tick.fraction).toBeLessThanOrEqual(1 + 1e-6);
          }
        },
      ),
    );
  });
});

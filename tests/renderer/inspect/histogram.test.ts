import { describe, expect, it } from 'vitest';
import { outline, reservedTails } from '../../../renderer/inspect/column-chart.ts';
import { histogram } from '../../../renderer/inspect/histogram.ts';

describe('histogram', () => {
  it('has bins of twice the quartiles’ distance by the cube root of the count', () => {
    // 1000 even values from 0 to 999: quartiles 249 and 749, so bins of 100 at most: ten of them.
    const bins = histogram(Float32Array.from({ length: 1000 }, (_, at) => at));
    expect(bins.from).toBe(0);
    expect(bins.width).toBeCloseTo(99.9, 9);
    expect([...bins.counts]).toEqual(Array(10).fill(100));
  });

  it('is as fine as can be seen where few values lie far out', () => {
    const sorted = Float32Array.from({ length: 1001 }, (_, at) => (at === 1000 ? 1000 : at / 1000));
    const { counts } = histogram(sorted);
    expect(counts).toHaveLength(201);
    expect([counts[0], counts.at(-1)]).toEqual([1000, 1]);
  });

  it('has one bin where all values are the same', () => {
    expect(histogram(Float32Array.of(2, 2, 2))).toEqual({ from: 1.5, width: 1, counts: Uint32Array.of(3) });
  });

  it('is drawn as an outline over its bins', () => {
    expect(outline({ from: -1, width: 2, counts: Uint32Array.of(3, 1) })).toEqual([
      [-1, 0],
      [-1, 3],
      [1, 3],
      [1, 1],
      [3, 1],
      [3, 0],
    ]);
  });
});

describe('reservedTails', () => {
  const sorted = Float32Array.of(-8, -2, -1, 0, 1, 2, 4, 10);
  it('part the reserved entries from the others', () => {
    expect(reservedTails(sorted, 1)).toEqual({ below: -5, above: 7 });
    expect(reservedTails(sorted, 2)).toEqual({ below: -1.5, above: 3 });
  });
  it('are none where none are reserved, or all', () => {
    expect(reservedTails(sorted, 0)).toBeUndefined();
    expect(reservedTails(sorted, 4)).toBeUndefined();
  });
});

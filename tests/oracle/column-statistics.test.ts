import { describe, expect, it } from 'vitest';
import { plainStatistics } from './column-statistics.ts';

describe('plainStatistics', () => {
  // |w| sums to 32 over 8 entries: the mean is 4, so S = 2 asks for 8 and S = 3 for 12.
  const weights = Float32Array.of(-8, 1, 2, 0, 8, -12, 1, 0);
  const statistics = plainStatistics(weights, { rows: 2, columns: 4 }, [3, 2]);

  it('takes the mean magnitude over the whole matrix and everything else by column', () => {
    expect(statistics.meanMagnitude).toBe(4);
    expect(statistics.maxima).toEqual(Float32Array.of(8, 12, 2, 0));
    expect(statistics.energies).toEqual(Float64Array.of(128, 145, 5, 0));
    expect(statistics.means).toEqual(Float64Array.of(0, -5.5, 1.5, 0));
    expect(statistics.variances).toEqual(Float64Array.of(64, 42.25, 0.25, 0));
  });

  it('counts weights of exactly S times the mean, of either sign, for each S in the order asked for', () => {
    expect(statistics.outliers).toEqual([Uint32Array.of(0, 1, 0, 0), Uint32Array.of(2, 1, 0, 0)]);
  });

  it('finds no outliers in a matrix of zeros', () => {
    const { outliers } = plainStatistics(new Float32Array(6), { rows: 3, columns: 2 }, [1]);
    expect(outliers).toEqual([Uint32Array.of(0, 0)]);
  });
});

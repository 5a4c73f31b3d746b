import { describe, expect, it } from 'vitest';
import { OUTLIER_LEVELS } from '../../shared/outlier-levels.ts';
import { separatedMatrices, suggestedS } from '../../shared/suggested-s.ts';

/** A matrix of 100 columns of which `ranked` have outliers up to S, and none beyond it. */
function until(s: number, ranked: number): { columns: number; ranked: number[] } {
  return { columns: 100, ranked: OUTLIER_LEVELS.map((level) => (level <= s ? ranked : 0)) };
}

describe('suggestedS', () => {
  it('is the largest S at which half of the matrices have a tenth of their columns ranked', () => {
    expect(suggestedS([until(13, 10), until(5, 40), until(3, 40)])).toBe(5);
    expect(suggestedS([until(13, 10), until(5, 40)])).toBe(13);
  });

  it('does not count a matrix with less than a tenth', () => {
    expect(suggestedS([until(13, 9), until(5, 10)])).toBe(5);
  });

  it('is the smallest where no S separates, and the largest where all do', () => {
    expect(suggestedS([until(32, 9)])).toBe(2);
    expect(suggestedS([until(32, 100)])).toBe(32);
  });

  it('counts the matrices that a level separates', () => {
    const matrices = [until(13, 10), until(5, 40), until(3, 40)];
    expect(separatedMatrices(matrices, OUTLIER_LEVELS.indexOf(13))).toBe(1);
    expect(separatedMatrices(matrices, OUTLIER_LEVELS.indexOf(3))).toBe(3);
  });
});

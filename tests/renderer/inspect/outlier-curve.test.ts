import { describe, expect, it } from 'vitest';
import { holdingWords } from '../../../renderer/inspect/outlier-curve-chart.ts';
import {
  curvePoints,
  headColumns,
  heldShare,
  outlierCurve,
  rankAt,
  ratioAtRank,
} from '../../../renderer/inspect/outlier-curve.ts';

/** Ten columns of 100 rows. */
const curve = outlierCurve(Uint32Array.of(0, 1, 0, 12, 0, 1, 5, 0, 1, 0), 100);

describe('outlierCurve', () => {
  it('has the counts from the most on, and what the first ones hold', () => {
    expect([...curve.counts]).toEqual([12, 5, 1, 1, 1, 0, 0, 0, 0, 0]);
    expect([...curve.sums]).toEqual([0, 12, 17, 18, 19, 20, 20, 20, 20, 20, 20]);
    expect(curve.ranked).toBe(5);
    expect(ratioAtRank(curve, 1)).toBe(0.12);
    expect(ratioAtRank(curve, 6)).toBe(0);
  });

  it('says what the top columns hold', () => {
    expect(heldShare(curve, 1)).toBe(0.6);
    expect(heldShare(curve, 2)).toBe(0.85);
    expect(heldShare(curve, 10)).toBe(1);
    expect(heldShare(outlierCurve(Uint32Array.of(0, 0), 4), 1)).toBeNull();
    expect(holdingWords(curve, 1)).toBe('top 10 % of columns hold 60 % of the outliers');
    expect(holdingWords(outlierCurve(Uint32Array.of(0, 0), 4), 1)).toBe(
      'top 50 % of columns: the matrix has no outliers',
    );
  });
});

describe('headColumns', () => {
  it('rounds, and is one at least', () => {
    expect([headColumns(576, 0.1), headColumns(576, 0.001), headColumns(576, 0), headColumns(10, 1)]).toEqual(
      [58, 1, 0, 10],
    );
  });
});

describe('rankAt', () => {
  it('is the nearest column of the matrix', () => {
    expect([rankAt(3.4, 10, 'rank'), rankAt(-2, 10, 'rank'), rankAt(40, 10, 'rank')]).toEqual([3, 1, 10]);
    expect([rankAt(34, 10, 'percent'), rankAt(1, 10, 'percent')]).toEqual([3, 1]);
  });
});

describe('curvePoints', () => {
  it('has the ends of each level, and points between them', () => {
    expect(curvePoints(curve, 'rank', true)).toEqual([
      [1, 0.12],
      [2, 0.05],
      [3, 0.01],
      [4, 0.01],
      [5, 0.01],
      [6, 0],
      [7, 0],
      [8, 0],
      [9, 0],
      [10, 0],
    ]);
    // A hundred columns of 4, then 400 without: every third one, and the last.
    const level = outlierCurve(
      Uint32Array.from({ length: 500 }, (_, at) => (at < 100 ? 4 : 0)),
      8,
    );
    const points = curvePoints(level, 'rank', true);
    expect(points.slice(0, 3)).toEqual([
      [1, 0.5],
      [4, 0.5],
      [7, 0.5],
    ]);
    expect(points.slice(33, 36)).toEqual([
      [100, 0.5],
      [101, 0],
      [104, 0],
    ]);
    expect(points.at(-1)).toEqual([500, 0]);
  });

  it('ends with the last outlier where nothing has no place', () => {
    expect(curvePoints(curve, 'percent', false).at(-1)).toEqual([50, 0.01]);
  });

  it('has few points for a large matrix with few counts', () => {
    const large = outlierCurve(
      Uint32Array.from({ length: 11_008 }, (_, at) => at % 7),
      4096,
    );
    expect(curvePoints(large, 'rank', true).length).toBeLessThan(220);
  });
});

import { describe, expect, it } from 'vitest';
import { applyStatistics, layerSums, outlierRatio, outlierSum } from '../../../renderer/inspect/measured.ts';
import { activityIdSchema } from '../../../shared/activity.ts';
import { overview } from './overview.ts';

const measuring = activityIdSchema.parse('measure-1');

describe('applyStatistics', () => {
  it('has nothing before the first overview', () => {
    expect(applyStatistics(undefined, [{ kind: 'matrices', matrices: [overview(0, 'q')] }])).toBeUndefined();
  });

  it('adds what arrives in the order of layers and kinds, each matrix once', () => {
    const measured = applyStatistics(undefined, [
      { kind: 'overview', measuring, total: 14, matrices: [overview(0, 'down')] },
      { kind: 'matrices', matrices: [overview(1, 'q'), overview(0, 'k')] },
      { kind: 'matrices', matrices: [overview(0, 'k', { outliers: 3 })] },
    ]);
    expect(measured?.total).toBe(14);
    expect(measured?.measuring).toBe('measure-1');
    expect(measured?.matrices.map(({ block, kind, outliers }) => [block, kind, outliers[0]])).toEqual([
      [0, 'k', 3],
      [0, 'down', 0],
      [1, 'q', 0],
    ]);
  });

  it('begins anew with another overview', () => {
    const before = { measuring, total: 14, matrices: [overview(0, 'q')] };
    const after = applyStatistics(before, [{ kind: 'overview', measuring: null, total: 7, matrices: [] }]);
    expect(after).toEqual({ measuring: null, total: 7, matrices: [] });
  });
});

describe('sums of outliers', () => {
  const matrices = [
    overview(0, 'q', { outliers: 8, ranked: 4 }),
    overview(0, 'k', { outliers: 2, ranked: 2 }),
    overview(2, 'q', { outliers: 1, ranked: 1 }),
  ];

  it('is of all matrices', () => {
    const sum = outlierSum(matrices, 3);
    expect(sum).toEqual({ outliers: 11, entries: 600, columns: 60, ranked: 7 });
    expect(outlierRatio(sum)).toBeCloseTo(11 / 600, 12);
    expect(outlierRatio(outlierSum([], 3))).toBe(0);
  });

  it('is of each layer that is measured', () => {
    expect(layerSums(matrices, 0).map(({ block, outliers, entries }) => [block, outliers, entries])).toEqual([
      [0, 10, 400],
      [2, 1, 200],
    ]);
  });
});

import { expect, it } from 'vitest';
import { seriesDescription, withGaps } from '../../../renderer/charts/time-series.ts';

it('has a hole where the run stood still', () => {
  expect(
    withGaps([
      [0, 1],
      [1000, 2],
      [90_000, 3],
    ]),
  ).toEqual([
    [0, 1],
    [1000, 2],
    [1001, null],
    [90_000, 3],
  ]);
});

it('says the latest and the largest figure', () => {
  const text = (value: number): string => `${value} GB`;
  const points = [
    [0, 1],
    [1, 3],
    [2, 2],
  ] as const;
  expect(seriesDescription({ label: 'Memory', points, text })).toBe('Memory: 2 GB now, 3 GB at most');
  expect(seriesDescription({ label: 'Memory', points: [], text })).toBe('Memory: no figures yet');
});

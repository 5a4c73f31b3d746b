import { describe, expect, it } from 'vitest';
import { cellLook } from '../../../renderer/charts/matrix-grid.ts';
import {
  fittingScale,
  outlierPicture,
  overviewMap,
  overviewWords,
} from '../../../renderer/inspect/outlier-picture.ts';
import { overview } from './overview.ts';

describe('fittingScale', () => {
  it('is logarithmic where the figures span more than a decade', () => {
    expect(fittingScale([0, 0.001, 0.02])).toBe('log');
    expect(fittingScale([0, 0.002, 0.02])).toBe('linear');
    expect(fittingScale([0, 0])).toBe('linear');
  });
});

describe('outlierPicture', () => {
  const map = overviewMap([
    overview(0, 'q', { outliers: 2 }),
    overview(0, 'k'),
    overview(1, 'down', { outliers: 20 }),
  ]);
  const picture = outlierPicture(2, map, 0, 'log');

  it('has the ratio of each matrix, and nothing for those that are not measured', () => {
    expect(picture.rows.map(({ cells }) => cells.map(({ value }) => value))).toEqual([
      [0.01, 0, undefined, undefined, undefined, undefined, undefined],
      [undefined, undefined, undefined, undefined, undefined, undefined, 0.1],
    ]);
  });
  it('says none where a logarithmic scale has no colour', () => {
    const [some, none, missing] = picture.rows[0]?.cells ?? [];
    expect(some && cellLook(some, picture)).toEqual({ fill: '#440154', ink: '#ffffff', text: '1' });
    expect(none && cellLook(none, picture)).toEqual({ fill: '', ink: '', text: 'none' });
    expect(missing && cellLook(missing, picture).text).toBe('·');
  });
  it('keeps a scale that still holds', () => {
    expect(outlierPicture(2, map, 0, 'log', picture).scale).toBe(picture.scale);
  });
});

it('says whatever else is known of a matrix', () => {
  expect(overviewWords(overview(0, 'q', { outliers: 8, ranked: 4 }), 0)).toBe(
    '10 × 20 · 8 outliers in 4 columns (20 %) · largest |w| 8.0 × the mean',
  );
});

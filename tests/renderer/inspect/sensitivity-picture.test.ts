import { describe, expect, it } from 'vitest';
import { cellLook, cellWords } from '../../../renderer/charts/matrix-grid.ts';
import {
  measuredOnWords,
  middleSensitivity,
  sensitivityMap,
  sensitivityPicture,
  sensitivityWords,
} from '../../../renderer/inspect/sensitivity-picture.ts';
import type { ModelSensitivity } from '../../../shared/sensitivity.ts';

const SENSITIVITY: ModelSensitivity = {
  matrices: [
    { block: 0, kind: 'q', mean: 1.5e-5, median: 2e-6 },
    { block: 0, kind: 'k', mean: 0, median: 0 },
    { block: 1, kind: 'down', mean: 0.0234, median: 0.25 },
  ],
  tokens: 2047,
  segments: 1,
  segmentLength: 2048,
  text: '/texts/calibration.txt',
  textSha256: 'ab',
  engine: 'WebAssembly',
  forwardPrecision: 'float32',
};

describe('sensitivityPicture', () => {
  const picture = sensitivityPicture(2, sensitivityMap(SENSITIVITY), 'log');
  const [q, k, v] = picture.rows[0]?.cells ?? [];

  it('has the mean of each matrix, on a scale over all of them', () => {
    expect(picture.rows.map(({ cells }) => cells.map(({ value }) => value))).toEqual([
      [1.5e-5, 0, undefined, undefined, undefined, undefined, undefined],
      [undefined, undefined, undefined, undefined, undefined, undefined, 0.0234],
    ]);
    expect(picture.scale).toMatchObject({ kind: 'log', low: 1e-5, high: 0.05 });
    expect(picture.scale?.ticks.map(({ value }) => picture.quantity.brief(value))).toEqual([
      '1.0e−5',
      '1.0e−4',
      '1.0e−3',
      '1.0e−2',
    ]);
  });

  it('writes figures with an exponent, in a cell as in words', () => {
    expect(q && cellLook(q, picture).text).toBe('1.5e−5');
    expect(q && cellWords(0, q, picture)).toBe('Layer 0, q: 1.5e−5');
    expect(k && cellLook(k, picture).text).toBe('none');
    expect(k && cellWords(0, k, picture)).toBe('Layer 0, k: 0');
    expect(v && cellLook(v, picture).text).toBe('·');
  });
});

it('compares a matrix with that in the middle', () => {
  const map = sensitivityMap(SENSITIVITY);
  const middle = middleSensitivity(SENSITIVITY);
  expect(middle).toBe(1.5e-5);
  expect(sensitivityWords(map, 1, 'down', middle)).toBe(
    '1,560 × the median matrix · median over the tokens 2.5e−1',
  );
  expect(sensitivityWords(map, 1, 'down', 0)).toBe('median over the tokens 2.5e−1');
  expect(sensitivityWords(map, 1, 'q', middle)).toBe('');
});

it('says what it was measured on, and by', () => {
  expect(measuredOnWords(SENSITIVITY)).toBe(
    'Over 2,047 tokens in a segment of calibration.txt; WebAssembly.',
  );
  const other = { ...SENSITIVITY, segments: 4, text: String.raw`C:\texts\own.txt` };
  expect(measuredOnWords({ ...other, forwardPrecision: 'bfloat16' })).toBe(
    'Over 2,047 tokens in 4 segments of own.txt; WebAssembly, bfloat16.',
  );
});

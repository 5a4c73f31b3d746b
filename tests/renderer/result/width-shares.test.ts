import { expect, it } from 'vitest';
import { widthRows } from '../../../renderer/result/width-shares.ts';
import { matrixResult } from '../charts/matrix-result.ts';

it('counts columns by width, of all matrices and of each kind', () => {
  const up = matrixResult({
    kind: 'up',
    classes: [
      { width: 2, reserved: 0, columns: 100 },
      { width: 2, reserved: 2, columns: 50 },
      { width: 3, reserved: 0, columns: 50 },
    ],
  });
  expect(widthRows([up, matrixResult()])).toEqual([
    {
      kind: null,
      shares: [
        { width: 2, columns: 340, share: 0.85 },
        { width: 3, columns: 50, share: 0.125 },
        { width: 4, columns: 10, share: 0.025 },
      ],
      meanWidth: 2.175,
      reservedShare: 140 / 40000,
    },
    {
      kind: 'q',
      shares: [
        { width: 2, columns: 190, share: 0.95 },
        { width: 4, columns: 10, share: 0.05 },
      ],
      meanWidth: 2.1,
      reservedShare: 40 / 20000,
    },
    {
      kind: 'up',
      shares: [
        { width: 2, columns: 150, share: 0.75 },
        { width: 3, columns: 50, share: 0.25 },
      ],
      meanWidth: 2.25,
      reservedShare: 100 / 20000,
    },
  ]);
});

it('has no rows without matrices', () => {
  expect(widthRows([])).toEqual([]);
});

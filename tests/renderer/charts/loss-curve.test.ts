import { describe, expect, it } from 'vitest';
import { curveDescription, curvePoints } from '../../../renderer/charts/loss-curve.ts';
import { matrixResult } from './matrix-result.ts';

const sequence = [
  matrixResult({ loss: 20 }),
  matrixResult({ kind: 'k', loss: 40 }),
  matrixResult({ block: 1, loss: 2000 }),
  matrixResult({ block: 1, kind: 'k', loss: null }),
  matrixResult({ block: 2, loss: 0 }),
];

describe('curvePoints', () => {
  it('has the place in the order of computation and the loss a weight', () => {
    expect(curvePoints(sequence, 'q')).toEqual([
      [1, 0.001],
      [3, 0.1],
    ]);
  });

  it('leaves out what a logarithmic axis cannot show', () => {
    expect(curvePoints(sequence, 'k')).toEqual([[2, 0.002]]);
    expect(curvePoints(sequence, 'down')).toEqual([]);
  });
});

it('says least and most of each kind', () => {
  expect(curveDescription(sequence)).toBe(
    'Loss a weight by matrix, in the order of computation: q from 0.00100 to 0.100, k from 0.00200 to 0.00200',
  );
  expect(curveDescription([])).toContain('no figures yet');
});

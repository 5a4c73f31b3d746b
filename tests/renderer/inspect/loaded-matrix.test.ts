import { describe, expect, it } from 'vitest';
import { numberText } from '../../../main/service/number-text.ts';
import { columnRanks, loadedMatrix, outliersAt } from '../../../renderer/inspect/loaded-matrix.ts';

const matrix = loadedMatrix({
  ...{ block: 1, kind: 'k', rows: 8, columns: 4, meanMagnitude: 0.5, levels: 2, tieRule: 'max-weight' },
  maxima: numberText(Float32Array.of(3, 5, 4, 5)),
  energies: numberText(Float32Array.of(1, 2, 3, 4)),
  means: numberText(new Float32Array(4)),
  variances: numberText(new Float32Array(4)),
  outliers: numberText(Uint32Array.of(1, 2, 0, 3, 0, 0, 0, 1)),
  ties: numberText(Float32Array.of(3, 5, 4, 5)),
});

describe('outliersAt', () => {
  it('is the level’s own counts, and none beyond the last level', () => {
    expect([...outliersAt(matrix, 0)]).toEqual([1, 2, 0, 3]);
    expect([...outliersAt(matrix, 1)]).toEqual([0, 0, 0, 1]);
    expect([...outliersAt(matrix, 2)]).toEqual([0, 0, 0, 0]);
  });
});

describe('columnRanks', () => {
  it('goes by outliers, then by the tie rule, then by number', () => {
    expect([...columnRanks(matrix, 0).order]).toEqual([3, 1, 0, 2]);
    expect([...columnRanks(matrix, 1).order]).toEqual([3, 1, 2, 0]);
    expect([...columnRanks(matrix, 9).order]).toEqual([1, 3, 2, 0]);
  });
  it('knows each column’s place', () => {
    expect([...columnRanks(matrix, 0).ranks]).toEqual([2, 1, 3, 0]);
  });
});

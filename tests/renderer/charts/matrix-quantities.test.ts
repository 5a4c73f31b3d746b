import { describe, expect, it } from 'vitest';
import { QUANTITIES, figures } from '../../../renderer/charts/matrix-quantities.ts';
import { matrixResult } from './matrix-result.ts';

describe('QUANTITIES', () => {
  const matrix = matrixResult();

  it('reads its figure from a matrix and says it with its unit', () => {
    const said = Object.entries(QUANTITIES).map(([name, { of, text }]) => [name, text(of(matrix) ?? NaN)]);
    expect(Object.fromEntries(said)).toEqual({
      lossPerWeight: '0.00250 a weight',
      loss: '50.0',
      outlierRatio: '0.123 %',
      bits: '2.400 bits',
    });
  });

  it('has no loss where the method has none', () => {
    const rtn = matrixResult({ loss: null });
    expect(QUANTITIES.loss.of(rtn)).toBeNull();
    expect(QUANTITIES.lossPerWeight.of(rtn)).toBeNull();
  });

  it('has a brief form without the unit', () => {
    expect(QUANTITIES.outlierRatio.brief(0.00123)).toBe('0.123');
    expect(QUANTITIES.bits.brief(2.4)).toBe('2.40');
  });
});

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.0000123, '1.2e−5'],
    [0.00123, '0.00123'],
    [0.5, '0.500'],
    [12.345, '12.3'],
    [99.96, '100'],
    [436770.9, '436,771'],
    [1.5e7, '1.5e7'],
  ])('%d is %s', (value, text) => {
    expect(figures(value)).toBe(text);
  });
});

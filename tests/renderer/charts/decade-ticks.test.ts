import { describe, expect, it } from 'vitest';
import { decadeText } from '../../../renderer/charts/decade-ticks.ts';

describe('decadeText', () => {
  it('writes short figures out', () => {
    expect([0.001, 0.01, 1, 10].map(decadeText([8, 0.002]))).toEqual(['0.001', '0.01', '1', '10']);
    expect([1, 1000, 100_000].map(decadeText([1, 1e5]))).toEqual(['1', '1,000', '100,000']);
  });

  it('has powers alone where one figure would be long', () => {
    expect([1e-4, 0.001, 1, 10].map(decadeText([2, 5e-4]))).toEqual(['10⁻⁴', '10⁻³', '10⁰', '10¹']);
    expect([1, 1e12].map(decadeText([1, 2e5]))).toEqual(['10⁰', '10¹²']);
  });
});

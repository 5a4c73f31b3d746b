import { expect, it } from 'vitest';
import { rowWeights, scaledRowWeights } from '../../../main/engine/claq/row-sensitivity.ts';

it('weighs rows by their squared gradients, on average once, and none less than a thousandth', () => {
  expect([...rowWeights(Float32Array.of(1, 2, 3, 6))]).toEqual([1 / 3, 2 / 3, 1, 2].map(Math.fround));
  expect([...rowWeights(Float32Array.of(0, 8))]).toEqual([Math.fround(1e-3), 2]);
  expect([...rowWeights(Float32Array.of(0, 0))]).toEqual([1, 1]);
});

it('weighs rows that were divided by their scales with the squares of these too', () => {
  const [scales, weights] = [Float32Array.of(2, 0.5), Float32Array.of(3, 4)];
  expect(scaledRowWeights(scales, weights)).toEqual(Float32Array.of(12, 1));
  expect(scaledRowWeights(scales, undefined)).toEqual(Float32Array.of(4, 0.25));
  expect(scaledRowWeights(undefined, weights)).toBe(weights);
  expect(scaledRowWeights(undefined, undefined)).toBeUndefined();
});

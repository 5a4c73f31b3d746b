import { expect, it } from 'vitest';
import { uniformGrid } from '../../../main/engine/claq/uniform-grid.ts';

it('reaches from the smallest to the largest weight of a row, zero included', () => {
  const weights = Float32Array.of(-1, 0, 2, /**/ 1, 3, 2, /**/ -3, -1, -2);
  const grid = uniformGrid(weights, 3, 3, 2, 3);
  expect(grid).toMatchObject({ groupSize: 3, groups: 1 });
  expect([...grid.scales]).toEqual([1, 1, 1]);
  expect([...Uint8Array.from(grid.zeros)]).toEqual([1, 0, 3]);
});

it('has a grid for each group of columns, the last one shorter', () => {
  const weights = Float32Array.of(0, 15, -15, 0, 30, /**/ 1.5, 0, 0, 3, -60);
  const { groups, scales, zeros } = uniformGrid(weights, 2, 5, 4, 2);
  expect(groups).toBe(3);
  expect([...scales]).toEqual([1, 0.0999755859375, 1, 0.199951171875, 2, 4]);
  expect([...Uint8Array.from(zeros)]).toEqual([0, 0, 15, 0, 0, 15]);
});

it('has a grid for rows of zeros and for weights too small for a half', () => {
  const { scales, zeros } = uniformGrid(Float32Array.of(0, 0, /**/ 1e-9, 0), 2, 2, 2, 2);
  expect([...scales]).toEqual([0.66650390625, 2 ** -24]);
  expect([...Uint8Array.from(zeros)]).toEqual([2, 0]);
});

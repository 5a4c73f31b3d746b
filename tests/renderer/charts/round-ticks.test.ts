import { expect, it } from 'vitest';
import { roundTicks } from '../../../renderer/charts/round-ticks.ts';

it.each([
  [0, 576, 6, [0, 200, 400]],
  [0, 576, 8, [0, 100, 200, 300, 400, 500]],
  [101.5, 133.25, 5, [110, 120, 130]],
  [3, 11, 100, [3, 4, 5, 6, 7, 8, 9, 10, 11]],
])('from %d to %d, %d at most', (low, high, most, ticks) => {
  expect(roundTicks(low, high, most)).toEqual(ticks);
});

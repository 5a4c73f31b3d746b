import { expect, it } from 'vitest';
import { heldOutSegments, leastOfTheBest } from '../../main/engine/held-out-strength.ts';

it('takes the least strength that is within the standard error of the best', () => {
  const { strength, trials } = leastOfTheBest([
    { strength: 0.25, nll: [3, 2.5, 3.5] },
    { strength: 0.5, nll: [2.5, 3, 3.25] },
    { strength: 0.75, nll: [2.75, 2.5, 3.25] },
  ]);
  // Worse than the last by 1/4, 0, 1/4: 1/6 on average, with a standard error of 1/12; and by -1/4, 1/2, 0: 1/12.
  expect(trials.map(({ nll }) => nll)).toEqual([3, 8.75 / 3, 8.5 / 3]);
  expect(trials[0]?.standardError).toBeCloseTo(1 / 12, 12);
  expect(trials[1]?.standardError).toBeCloseTo(Math.sqrt(7 / 144), 12);
  expect(trials[2]?.standardError).toBe(0);
  expect(strength).toBe(0.5);
});

it('takes the best where the others are worse on all segments alike, or there is one segment', () => {
  const alike = [
    { strength: 0.25, nll: [3.5, 2.5] },
    { strength: 0.5, nll: [3, 2] },
    { strength: 0.75, nll: [3.25, 2.25] },
  ];
  expect(leastOfTheBest(alike).strength).toBe(0.5);
  expect(
    leastOfTheBest(alike.map(({ strength, nll }) => ({ strength, nll: nll.slice(0, 1) }))).strength,
  ).toBe(0.5);
});

it('takes the least of equals', () => {
  const equal = [0.25, 0.5].map((strength) => ({ strength, nll: [3, 2] }));
  expect(leastOfTheBest(equal).strength).toBe(0.25);
});

it('holds out every fourth segment, up to eight', () => {
  expect([3, 4, 7, 8, 16, 32, 128].map(heldOutSegments)).toEqual([0, 1, 1, 2, 4, 8, 8]);
});

import { expect, it } from 'vitest';
import {
  heldOutSegments,
  leastOfTheBest,
  splitSegments,
  triedSegments,
} from '../../main/engine/held-out-strength.ts';
import { SMOLLM2 } from '../known-models.ts';

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

it('holds out the end of the text, and tries on nothing that stands in it', () => {
  const at = (document: number, start: number): { document: number; start: number } => ({ document, start });
  // By place: the second and the fourth are last in the last document; the third shares tokens with the fourth.
  const sources = [at(0, 0), at(1, 500), at(1, 310), at(1, 400), at(0, 900), at(1, 300), at(0, 5), at(0, 6)];
  expect(splitSegments(sources, 100)).toEqual({ tried: [0, 6, 7, 4, 5], heldOut: [3, 1] });
  expect(splitSegments(sources, 101)).toEqual({ tried: [0, 6, 7, 4], heldOut: [3, 1] });
  expect(splitSegments(sources.slice(0, 3), 100)).toEqual({ tried: [0, 2, 1], heldOut: [] });
});

it('holds out one of four segments, up to eight', () => {
  expect([3, 4, 7, 8, 16, 32, 128].map(heldOutSegments)).toEqual([0, 1, 1, 2, 4, 8, 8]);
});

it.each([
  [{ count: 12, length: 1024 }, 12],
  [{ count: 56, length: 1024 }, 24],
  [{ count: 120, length: 2048 }, 12],
  [{ count: 120, length: 2000 }, 13],
  // As many as are held out at least, and no more than there are.
  [{ count: 120, length: 8192 }, 8],
  [{ count: 5, length: 8192 }, 5],
])('tries with sixteen tokens for each column of the widest matrix, of %o', (left, count) => {
  expect(triedSegments(SMOLLM2, left, 8)).toBe(count);
});

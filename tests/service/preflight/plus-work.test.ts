import { expect, it } from 'vitest';
import { plusWork } from '../../../main/service/preflight/plus-work.ts';
import { SMOLLM2 } from '../../known-models.ts';
import { PLUS_TECHNIQUES, type PlusChoices } from '../../../shared/plus.ts';

const SEGMENTS = { count: 16, length: 1024 };
const ALL: PlusChoices = { techniques: [...PLUS_TECHNIQUES], strength: 'auto', sweeps: 2 };
const PLAIN = {
  forward: 1,
  hessian: 1,
  columns: 1,
  planPasses: 0,
  planHessians: 0,
  planFactors: 0,
  trialBlocks: 0,
  trialRuns: 0,
  trialPasses: 0,
};

it('is a plain run without CLAQ+, and with what costs nothing', () => {
  expect(plusWork({}, SEGMENTS, SMOLLM2)).toEqual(PLAIN);
  expect(
    plusWork({ plus: { ...ALL, techniques: ['row-scales', 'error-reservation'] } }, SEGMENTS, SMOLLM2),
  ).toEqual(PLAIN);
});

it('counts what each technique has to do', () => {
  expect(plusWork({ plus: ALL }, SEGMENTS, SMOLLM2)).toEqual({
    // The original's text beside the quantized model's, and the products of both.
    forward: 2,
    hessian: 3,
    columns: 3.6,
    // Of 16 segments, a survey of as many as have 4 x 1536 tokens, and gradients of two: a forward pass and three more.
    planPasses: 6 / 16 + (4 * 2) / 16,
    planHessians: 6 / 16,
    planFactors: 1,
    // Two strengths on a sixteenth of the blocks and three quarters of the segments.
    trialBlocks: 0.125,
    trialRuns: 0.09375,
    trialPasses: 0.5,
  });
  const given: PlusChoices = { ...ALL, techniques: ['residual'], strength: 0.5 };
  expect(plusWork({ plus: given }, SEGMENTS, SMOLLM2)).toEqual({ ...PLAIN, forward: 2, hessian: 3 });
});

it('counts trials by the segments that are held out', () => {
  const { trialRuns, trialPasses } = plusWork({ plus: ALL }, { count: 128, length: 1024 }, SMOLLM2);
  // Of the 120 that are left as many as have 16 x 1536 tokens.
  expect([trialRuns, trialPasses]).toEqual([(2 / 16) * (24 / 128), (2 * 8) / 128]);
  const few = plusWork({ plus: ALL }, { count: 3, length: 1024 }, SMOLLM2);
  expect([few.trialRuns, few.trialPasses]).toEqual([0, 0]);
});

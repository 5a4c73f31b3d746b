import { expect, it } from 'vitest';
import { segmentsOf, surveyTokens } from '../../main/engine/plan-model.ts';
import { DEMO_DESCRIPTION, SMOLLM2 } from '../known-models.ts';

it.each([
  [2048, { count: 16, length: 1024 }, 2],
  [2048, { count: 16, length: 1000 }, 3],
  [2048, { count: 16, length: 4096 }, 1],
  [2048, { count: 3, length: 512 }, 3],
])('takes whole segments until there are %i tokens', (tokens, segments, count) => {
  expect(segmentsOf(tokens, segments)).toBe(count);
});

it('surveys four tokens for each column of the widest matrix', () => {
  expect(surveyTokens(SMOLLM2)).toBe(4 * 1536);
  // Where heads together are wider than the feed-forward network, that is the output of attention.
  expect(surveyTokens({ ...DEMO_DESCRIPTION, heads: 64, headDim: 128 })).toBe(4 * 8192);
});

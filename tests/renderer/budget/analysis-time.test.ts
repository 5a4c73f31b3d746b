import { expect, it } from 'vitest';
import { analysisSeconds } from '../../../renderer/budget/analysis-time.ts';
import { LLAMA_7B, SMOLLM2 } from '../../known-models.ts';

it('counts columns, and a little their rows: minutes for 7B, not an hour', () => {
  // 32 blocks with 4096 columns in six matrices, two of which have 11008 rows, and 11008 in one.
  const block =
    4 * 4096 * (1.8e-4 + 4096 * 5.6e-8) +
    2 * 4096 * (1.8e-4 + 11_008 * 5.6e-8) +
    11_008 * (1.8e-4 + 4096 * 5.6e-8);
  expect(analysisSeconds(LLAMA_7B)).toBeCloseTo(16 * block, 6);
  expect(analysisSeconds(LLAMA_7B)).toBeLessThan(6 * 60);
  expect(analysisSeconds(SMOLLM2)).toBeLessThan(30);
  expect(analysisSeconds({ ...SMOLLM2, blocks: 0 })).toBe(1);
});

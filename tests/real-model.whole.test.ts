import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { evaluateModel } from '../main/service/evaluate.ts';
import { inspectModel } from '../main/service/inspect.ts';
import { overallRatio } from '../shared/inspection.ts';

const MODEL = fileURLToPath(new URL('../models/SmolLM2-135M-Instruct', import.meta.url));
const isThere = existsSync(MODEL);
if (!isThere) console.info('Left out: SmolLM2-135M-Instruct is not in models/ (npm run fetch:smollm2).');

describe.skipIf(!isThere)('SmolLM2-135M-Instruct', () => {
  it('has the outliers that are known of it', async () => {
    const { inspection, unused } = await inspectModel({ model: MODEL, sValues: [], outlierS: 13 });
    expect(inspection.model).toMatchObject({ blocks: 30, hiddenSize: 576, tiedEmbeddings: true });
    expect(inspection.matrices).toHaveLength(210);
    expect(unused).toEqual([]);
    // 28 of the 30 v matrices have none at the paper's S, and there are 12 among a million weights.
    const without = inspection.matrices.filter(
      ({ kind, levels }) => kind === 'v' && levels.every(({ outliers }) => outliers === 0),
    );
    expect(without).toHaveLength(28);
    expect(overallRatio(inspection.matrices, 13)).toBeCloseTo(12e-6, 6);
  });

  it('has the perplexity that transformers finds', async () => {
    const { perplexity, meanNll, tokens } = await evaluateModel({
      model: MODEL,
      windows: 1,
      contextLength: 256,
    });
    // transformers 5.23.0, float32 with eager attention.
    expect(meanNll).toBeCloseTo(2.955772277714867, 4);
    expect(perplexity).toBeCloseTo(19.21655750992834, 2);
    expect(tokens).toBe(255);
  });
});

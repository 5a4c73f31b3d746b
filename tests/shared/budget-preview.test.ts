import { describe, expect, it } from 'vitest';
import { previewBudget } from '../../shared/budget-preview.ts';
import { cacheBytes, keptParameters } from '../../shared/model-bytes.ts';
import { matrixBudget } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape, quantizedWeights } from '../../shared/model.ts';
import { totalBytes } from '../../shared/bits.ts';
import { type PlannedForm, plannedMatrixBytes, plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { budgetChoicesSchema } from '../../shared/requests.ts';
import { LLAMA_7B, SMOLLM2 } from '../known-models.ts';

/** Qwen2-0.5B, as its config.json says. */
const QWEN2: ModelDescription = {
  ...SMOLLM2,
  family: 'qwen2',
  hiddenSize: 896,
  ffnSize: 4864,
  blocks: 24,
  heads: 14,
  kvHeads: 2,
  vocabSize: 151_936,
  contextLength: 131_072,
  qkvBias: true,
};

const CHOICES = budgetChoicesSchema.parse({
  budget: { bits: 2.12 },
  overrides: [
    { layers: '0-1', budget: { bits: 3.12 } },
    { matrices: ['v'], budget: { bits: 4 } },
  ],
  columnOrder: 'outlier',
});

describe('parameters of published models', () => {
  it.each([
    ['SmolLM2-135M', SMOLLM2, 134_515_008],
    ['LLaMA-7B', LLAMA_7B, 6_738_415_616],
    ['Qwen2-0.5B', QWEN2, 494_032_768],
  ])('%s', (_, model, parameters) => {
    expect(quantizedWeights(model) + keptParameters(model)).toBe(parameters);
  });

  it('keys and values: half a gigabyte for a thousand tokens of LLaMA-7B', () => {
    expect(cacheBytes(LLAMA_7B, 1024)).toBe(2 * 2 * 32 * 4096 * 1024);
    expect(cacheBytes({ ...LLAMA_7B, slidingWindow: 100 }, 1024)).toBe(2 * 2 * 32 * 4096 * 100);
  });
});

describe('previewBudget', () => {
  it('has the bytes of the method that the budget is for', () => {
    const of = (form: PlannedForm) => previewBudget(SMOLLM2, 'BF16', CHOICES, undefined, form);
    const plain = of({ method: 'claq' });
    const scaled = of({ method: 'claq-plus', plus: { techniques: ['row-scales'] } });
    const rows = MATRIX_KINDS.reduce((sum, kind) => sum + matrixShape(SMOLLM2, kind).rows, 0);
    expect(scaled.packedBytes - plain.packedBytes).toBe(2 * SMOLLM2.blocks * rows);
    // With a checksum more of each matrix.
    expect(scaled.packedModelBytes - plain.packedModelBytes).toBe((2 * rows + 7 * 32) * SMOLLM2.blocks);
    expect(scaled.certainty).toBe('exact');
    const allocated = of({ method: 'claq-plus', plus: { techniques: ['allocation', 'byte-codebooks'] } });
    expect([allocated.packedBytes, allocated.certainty]).toEqual([plain.packedBytes, 'upper bound']);
    expect(allocated.packedModelBytes - plain.packedModelBytes).toBe(2 * 7 * 32 * SMOLLM2.blocks);
    const grid = of({ method: 'rtn' });
    expect(grid.packedModelBytes - grid.packedBytes - (plain.packedModelBytes - plain.packedBytes)).toBe(
      -3 * 7 * 32 * SMOLLM2.blocks,
    );
  });

  it('has the bytes of the plan, in all and by matrix', () => {
    const preview = previewBudget(SMOLLM2, 'BF16', CHOICES);
    expect(preview.certainty).toBe('exact');
    expect(preview.label).toBe('2.12 (AP 2.05 of {2,4} + OR 0.07), 2 overrides');
    expect(preview.packedBytes).toBe(plannedPackedBytes(SMOLLM2, { method: 'claq', budget: preview.budget }));
    expect(preview.storedBits).toBe((8 * preview.packedBytes) / quantizedWeights(SMOLLM2));
    let sum = 0;
    for (let block = 0; block < SMOLLM2.blocks; block++) {
      for (const kind of MATRIX_KINDS) {
        const bytes =
          preview.matrices.find((each) => each.kind === kind && each.blocks.includes(block))?.bytes ?? NaN;
        const own = matrixBudget(preview.budget, block, kind);
        expect(bytes).toBe(
          totalBytes(plannedMatrixBytes(matrixShape(SMOLLM2, kind), own, { method: 'claq' })),
        );
        sum += bytes;
      }
    }
    expect(sum).toBe(preview.packedBytes);
  });

  it('counts columns and reserved entries: a model of two blocks, by hand', () => {
    const model = { ...SMOLLM2, blocks: 2 };
    // Columns of a block: q, k, v, o, gate and up have 576, down has 1536. In block 0 AP 3.05: 5 % at 4 bits, v whole at 4;
    // in block 1 AP 2.05: 2.5 % at 4 bits.
    const choices = budgetChoicesSchema.parse({
      budget: { apAverage: 2.05 },
      overrides: [
        { layers: '0', budget: { apAverage: 3.05, orShares: [1, 1] } },
        { matrices: ['v'], budget: { bits: 4 } },
      ],
    });
    const { widths, reserved, certainty } = previewBudget(model, 'F16', choices);
    expect(certainty).toBe('upper bound');
    const [wide0, wide1] = [5 * Math.round(576 * 0.05) + Math.round(1536 * 0.05), 5 * 14 + 38];
    const all = 2 * (6 * 576 + 1536);
    const others = 5 * 576 + 1536;
    expect(widths).toEqual([
      { width: 2, columns: others - wide1, share: (others - wide1) / all },
      { width: 3, columns: others - wide0, share: (others - wide0) / all },
      { width: 4, columns: wide0 + wide1 + 2 * 576, share: (wide0 + wide1 + 2 * 576) / all },
    ]);
    // 1 % a tail: 6 of 576 rows, 2 of 192, 15 of 1536.
    const entries = 2 * (576 * (6 + 2 + 6) + 2 * 576 * 15 + 1536 * 6);
    expect(reserved).toEqual({ entries, share: entries / quantizedWeights(model) });
  });

  it('is exact by benefit too where all columns are alike', () => {
    const alike = budgetChoicesSchema.parse({ budget: { bits: 3 }, columnOrder: 'benefit' });
    expect(previewBudget(SMOLLM2, 'BF16', alike).certainty).toBe('exact');
  });

  it('says what a card has to hold', () => {
    const bits = (each: number) => budgetChoicesSchema.parse({ budget: { bits: each } });
    const { memory, halfBytes, keptBytes, packedBytes } = previewBudget(LLAMA_7B, 'F16', bits(4));
    expect(halfBytes).toBe(2 * 6_738_415_616);
    expect(keptBytes).toBe(2 * keptParameters(LLAMA_7B));
    expect(memory).toEqual({
      tokens: 2048,
      cacheBytes: 2 ** 30,
      decodedBytes: 2 * 4096 * 11_008,
      total: packedBytes + keptBytes + 2 ** 30 + 2 * 4096 * 11_008,
      cards: [
        { gigabytes: 8, fits: true },
        { gigabytes: 12, fits: true },
        { gigabytes: 16, fits: true },
        { gigabytes: 24, fits: true },
      ],
    });
    const eight = previewBudget({ ...LLAMA_7B, contextLength: 4096 }, 'F32', bits(8));
    expect(eight.memory.tokens).toBe(4096);
    expect(eight.keptBytes).toBe(4 * keptParameters(LLAMA_7B));
    expect(eight.memory.cards.map(({ fits }) => fits)).toEqual([false, true, true, true]);
  });
});

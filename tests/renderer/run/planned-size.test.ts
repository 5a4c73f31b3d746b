import { describe, expect, it } from 'vitest';
import { methodSettings } from '../../../main/service/method-settings.ts';
import { plannedPackedBytes } from '../../../shared/planned-bytes.ts';
import { plannedSize, sourceBytes } from '../../../renderer/run/planned-size.ts';
import { PAPER_BITS } from '../../../shared/budget-presets.ts';
import { columnClasses, packedBytes, storedBits, totalBytes } from '../../../shared/bits.ts';
import { budgetOfBits, planByOrder } from '../../../shared/budget.ts';
import { METHODS } from '../../../shared/method.ts';
import { quantizeRequestSchema } from '../../../shared/requests.ts';
import { LLAMA_7B, SMOLLM2 } from '../../known-models.ts';

describe('plannedSize', () => {
  it('is the sum that a 2-bit LLaMA-7B comes to: codes and four half-precision centroids a column', () => {
    // Columns of a block: six matrices with inputs of 4096, one of 11008; weights: 4 x 4096^2 + 3 x 4096 x 11008.
    const weights = 32 * (4 * 4096 ** 2 + 3 * 4096 * 11008);
    const columns = 32 * (6 * 4096 + 11008);
    const classTables = 32 * 7 * 8;
    const size = plannedSize(LLAMA_7B, { method: 'claq', budget: { bits: 2 } });
    expect(size).toEqual({
      label: '2',
      nominalBits: 2,
      weights,
      packedBytes: weights / 4 + columns * 8 + classTables,
      storedBits: (8 * (weights / 4 + columns * 8 + classTables)) / weights,
    });
    expect(size.storedBits).toBeCloseTo(2.0113, 4);
  });

  it('is the sum of the packed files’ parts for a matrix with classes and reserved entries', () => {
    const order = Int32Array.from({ length: 576 }, (_, column) => column);
    const square = { rows: 576, columns: 576 };
    const classes = columnClasses(planByOrder(order, 576, budgetOfBits(2.12)));
    // A model of which every matrix is 576 x 576.
    const cube = { ...SMOLLM2, blocks: 1, ffnSize: 576, kvHeads: 9 };
    const size = plannedSize(cube, { method: 'claq', budget: { bits: 2.12 } });
    const bytes = 7 * totalBytes(packedBytes(square, classes));
    expect(size.packedBytes).toBe(bytes);
    expect(size.storedBits).toBe(storedBits(bytes, 7 * 576 * 576));
    expect(size.nominalBits).toBeCloseTo(2.12, 12);
  });

  it.each(METHODS)('is what the service plans, for every preset: %s', (method) => {
    const bits = method === 'gptq' || method === 'rtn' ? [2, 3, 4] : PAPER_BITS;
    for (const each of bits) {
      const choices = { method, budget: { bits: each } };
      const settings = methodSettings(quantizeRequestSchema.parse({ model: 'm', ...choices }), SMOLLM2);
      expect(plannedSize(SMOLLM2, choices).packedBytes, String(each)).toBe(
        plannedPackedBytes(SMOLLM2, settings),
      );
    }
  });

  it('is what an allocation is told to spend', () => {
    const choices = { method: 'claq-plus', budget: { bits: 2.12 } } as const;
    const [bytes, weights] = [32_000_000, 106_168_320];
    const told = plannedSize(SMOLLM2, { ...choices, plus: { techniques: ['allocation'], bytes } });
    expect([told.packedBytes, told.storedBits]).toEqual([bytes, (8 * bytes) / weights]);
    const without = plannedSize(SMOLLM2, { ...choices, plus: { techniques: ['residual'], bytes } });
    expect(without.packedBytes).not.toBe(bytes);
  });

  it('counts a scale and a zero point for every group of columns', () => {
    const whole = plannedSize(SMOLLM2, { method: 'gptq', budget: { bits: 4 } });
    const groups = plannedSize(SMOLLM2, { method: 'gptq', budget: { bits: 4 }, groupSize: 64 });
    const settings = methodSettings(
      quantizeRequestSchema.parse({ model: 'm', method: 'gptq', budget: { bits: 4 }, groupSize: 64 }),
      SMOLLM2,
    );
    expect(groups.packedBytes).toBe(plannedPackedBytes(SMOLLM2, settings));
    expect(groups.packedBytes).toBeGreaterThan(whole.packedBytes);
  });

  it('says why a budget cannot be met', () => {
    expect(() => plannedSize(SMOLLM2, { method: 'claq', budget: { bits: 4, apWidths: [2, 3] } })).toThrow(
      'The average width cannot be reached with these two widths',
    );
  });
});

describe('sourceBytes', () => {
  it('follows the dtype, where it is a usual one', () => {
    expect(sourceBytes(SMOLLM2, 'BF16')).toBe(2 * 106168320);
    expect(sourceBytes(SMOLLM2, 'F32')).toBe(4 * 106168320);
    expect(sourceBytes(SMOLLM2, 'F8_E4M3')).toBeNull();
  });
});

import { expect, it } from 'vitest';
import { sizedSettings } from '../../main/service/method-settings.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { storedBits } from '../../shared/bits.ts';
import { quantizedWeights } from '../../shared/model.ts';
import { type QuantizeRequest, quantizeRequestSchema } from '../../shared/requests.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { SMOLLM2 } from '../known-models.ts';

/** Stored bits that a request comes to on SmolLM2. */
function comesTo(request: Omit<QuantizeRequest, 'model'>): number {
  const settings = sizedSettings(quantizeRequestSchema.parse({ model: 'm', ...request }), SMOLLM2);
  const budget = requestedModelBudget(settings, SMOLLM2.blocks);
  return storedBits(plannedPackedBytes(SMOLLM2, { method: 'claq', budget }), quantizedWeights(SMOLLM2));
}

it.each([2.12, 2.45, 3.18, 4.5])('comes to %f stored bits from below', (target) => {
  const reached = comesTo({ storedBits: target });
  expect(reached).toBeLessThanOrEqual(target);
  // A step is one column more of each matrix of a shape.
  expect(reached).toBeGreaterThan(target - 0.005);
});

it('leaves a reservation and overrides as they are', () => {
  const budget = { orBits: 0.07 };
  const overrides = [{ layers: '0-1', budget: { bits: 4 } }];
  const settings = sizedSettings(
    quantizeRequestSchema.parse({ model: 'm', storedBits: 2.8, budget, overrides }),
    SMOLLM2,
  );
  expect(settings.budget).toMatchObject(budget);
  expect(settings.overrides).toEqual(overrides);
  expect(comesTo({ storedBits: 2.8, budget, overrides })).toBeCloseTo(2.8, 2);
});

it('says what can be had where it cannot', () => {
  expect(() => comesTo({ storedBits: 1 })).toThrow(expect.objectContaining({ code: 'budget/cannot-be-met' }));
});

it('changes nothing where none are asked for', () => {
  const settings = quantizeRequestSchema.parse({ model: 'm', budget: { bits: 3 } });
  expect(sizedSettings(settings, SMOLLM2)).toBe(settings);
});

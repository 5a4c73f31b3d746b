import { expect, it } from 'vitest';
import { sharedBudgets } from '../../main/engine/claq/shared-budgets.ts';
import { methodSettings, sizedSettings } from '../../main/service/method-settings.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { packedBytes, storedBits, totalBytes } from '../../shared/bits.ts';
import { plusChoicesSchema } from '../../shared/plus.ts';
import { quantizedWeights } from '../../shared/model.ts';
import { type QuantizeRequest, quantizeRequestSchema } from '../../shared/requests.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { SMOLLM2 } from '../known-models.ts';

/** Of a matrix of four bits. */
const V_CLASSES = [{ width: 4, reserved: 0, columns: 576 }];

/** Stored bits that a request comes to on SmolLM2. */
function comesTo(request: Omit<QuantizeRequest, 'model'>): number {
  const settings = sizedSettings(quantizeRequestSchema.parse({ model: 'm', ...request }), SMOLLM2);
  const { method, plus } = settings;
  const budget = requestedModelBudget(settings, SMOLLM2.blocks);
  return storedBits(plannedPackedBytes(SMOLLM2, { method, plus, budget }), quantizedWeights(SMOLLM2));
}

it.each([2.12, 2.45, 3.18, 4.5])('comes to %f stored bits from below', (target) => {
  const reached = comesTo({ storedBits: target });
  expect(reached).toBeLessThanOrEqual(target);
  // A step is one column more of each matrix of a shape.
  expect(reached).toBeGreaterThan(target - 0.005);
});

it('counts what comes on top of the budget: scales of rows, and the authors’ tails', () => {
  const requests: Omit<QuantizeRequest, 'model'>[] = [
    { method: 'claq-plus', plus: { techniques: ['row-scales', 'sweeps'] } },
    { method: 'reference', budget: { orBits: 0.07 } },
  ];
  for (const request of requests) {
    const reached = comesTo({ ...request, storedBits: 2.6 });
    expect(reached).toBeLessThanOrEqual(2.6);
    expect(reached).toBeGreaterThan(2.6 - 0.005);
  }
});

it('gives an allocation exactly the bytes that the stored bits are, overrides included', () => {
  const weights = quantizedWeights(SMOLLM2);
  const overrides = [{ matrices: ['v' as const], budget: { bits: 4 } }];
  for (const request of [{}, { overrides }]) {
    const asked = quantizeRequestSchema.parse({
      model: 'm',
      method: 'claq-plus',
      storedBits: 2.6,
      ...request,
    });
    const settings = sizedSettings(asked, SMOLLM2);
    expect(settings.plus).toEqual({
      ...plusChoicesSchema.parse({}),
      bytes: Math.floor((2.6 * weights) / 8),
    });
    const shares = sharedBudgets(SMOLLM2, methodSettings(settings, SMOLLM2));
    expect(shares.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(Math.floor((2.6 * weights) / 8));
    const [v] = shares.filter(({ matrices }) => matrices.every(({ kind }) => kind === 'v'));
    expect(v?.bytes).toBe(
      'overrides' in request
        ? 30 * totalBytes(packedBytes({ rows: 192, columns: 576 }, V_CLASSES))
        : undefined,
    );
  }
  const alone = { method: 'claq-plus' as const, plus: { techniques: ['row-scales' as const] } };
  const unspent = quantizeRequestSchema.parse({ model: 'm', storedBits: 2.6, ...alone });
  expect(sizedSettings(unspent, SMOLLM2).plus?.bytes).toBeUndefined();
});

it('refuses an allocation that has no bytes for a bit a weight, before anything is computed', () => {
  const settingsOf = (request: Omit<QuantizeRequest, 'model'>): unknown =>
    methodSettings(quantizeRequestSchema.parse({ model: 'm', method: 'claq-plus', ...request }), SMOLLM2);
  const code = 'budget/cannot-be-met';
  // Scales of rows take two bytes each, which a bit a weight leaves no room for.
  expect(() => settingsOf({ budget: { bits: 1 } })).toThrow(
    expect.objectContaining({ code, where: '--bits 1' }),
  );
  const overridden = { budget: { bits: 3 }, overrides: [{ matrices: ['v' as const], budget: { bits: 1 } }] };
  const scaled = { techniques: ['allocation' as const, 'row-scales' as const] };
  expect(() => settingsOf({ ...overridden, plus: scaled })).toThrow(expect.objectContaining({ code }));
  // In matrices with few rows a byte less a centroid makes room for the scales.
  expect(settingsOf(overridden)).toMatchObject({ method: 'claq-plus' });
  expect(settingsOf({ budget: { bits: 1 }, plus: { techniques: ['allocation'] } })).toMatchObject({
    method: 'claq-plus',
  });
  expect(settingsOf({ budget: { bits: 1.1 } })).toMatchObject({ method: 'claq-plus' });
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

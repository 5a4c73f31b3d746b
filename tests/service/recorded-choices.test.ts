import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUNDLED_EVALUATION } from '../../main/service/bundled-texts.ts';
import { methodSettings } from '../../main/service/method-settings.ts';
import { budgetRequest, recordedChoices } from '../../main/service/recorded-choices.ts';
import { ClaqError } from '../../shared/errors.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import { type BudgetRequest, quantizeChoicesSchema } from '../../shared/requests.ts';
import { recordOfBudget, runRecordSchema } from '../../shared/run-record.ts';
import { completeRecord } from './preflight/complete-record.ts';
import { DEMO_DESCRIPTION } from '../known-models.ts';

const decimals = (most: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: most * 1000 }).map((thousandths) => thousandths / 1000);

const requests: fc.Arbitrary<BudgetRequest> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(2, 2.05, 2.1, 2.12, 2.24, 2.5, 3, 3.12, 3.23, 4, 8).map((bits) => ({ bits })),
      fc.tuple(decimals(2), fc.constantFrom([2, 4], [1, 8], [3, 5])).map(([above, [low = 0, high = 0]]) => ({
        apAverage: Number((low + above).toFixed(3)),
        apWidths: [low, high] as [number, number],
      })),
    ),
    fc.oneof(
      fc.constant({}),
      decimals(0.5).map((orBits) => ({ orBits })),
      fc.tuple(decimals(25), decimals(25)).map((orShares) => ({ orShares })),
    ),
    fc.oneof(
      fc.constant({}),
      decimals(100).map((orColumns) => ({ orColumns })),
    ),
  )
  .map(([widths, reservation, columns]) => ({ ...widths, ...reservation, ...columns }));

describe('the choices of CLAQ+', () => {
  it('are those that were recorded', () => {
    const choices = quantizeChoicesSchema.parse({
      method: 'claq-plus',
      budget: { bits: 2.12 },
      plus: { techniques: ['sweeps', 'allocation'], strength: 0.25, sweeps: 3 },
    });
    const method = methodSettings(choices, DEMO_DESCRIPTION);
    // In one order, whatever the order of asking.
    expect(method.plus).toEqual({ techniques: ['allocation', 'sweeps'], strength: 0.25, sweeps: 3 });
    const record = completeRecord({ segments: 8, length: 512, timing: {} });
    const settings = {
      ...record.settings,
      method: 'claq-plus',
      columnOrder: null,
      tieRule: null,
      plus: method.plus,
    };
    const again = recordedChoices(runRecordSchema.parse({ ...record, settings }));
    expect([again.method, again.plus]).toEqual(['claq-plus', method.plus]);
  });
});

describe('the request of a budget', () => {
  it('makes that budget again, to the last bit', () => {
    fc.assert(
      fc.property(requests, (request) => {
        let budget: ReturnType<typeof requestedBudget>;
        try {
          budget = requestedBudget(request);
        } catch (error) {
          fc.pre(!(error instanceof ClaqError));
          throw error;
        }
        expect(requestedBudget(budgetRequest(budget))).toEqual(budget);
      }),
      { numRuns: 2000 },
    );
  });

  it.each<BudgetRequest>([
    { bits: 3 },
    { bits: 2.12 },
    { bits: 2.1 },
    { apAverage: 2.2, apWidths: [2, 3] },
    { bits: 2, orBits: 0.07 },
    { bits: 3, orBits: 0.1, orColumns: 20 },
    { bits: 3, orShares: [1.4, 0], orColumns: 10 },
  ])('is what people say: %j', (request) => {
    expect(budgetRequest(requestedBudget(request))).toEqual(request);
  });
});

describe('the choices of a record', () => {
  const record = completeRecord({ segments: 24, length: 512, windows: 16, timing: {} });

  it('are those that made it', () => {
    const after = record.result?.after ?? undefined;
    if (record.result === null || after === undefined) throw new Error('the record has no evaluation');
    const bundled = { ...record.result, after: { ...after, text: BUNDLED_EVALUATION } };
    expect(recordedChoices({ ...record, result: bundled })).toEqual({
      method: 'claq',
      budget: { bits: 2.12 },
      overrides: [],
      outlierS: 13,
      columnOrder: 'benefit',
      codebookFit: 'kept',
      percdamp: 0.01,
      actOrder: true,
      calibration: { segments: 24, segmentLength: 512, seed: 0, joinDocuments: false },
      evaluation: { windows: 16, contextLength: 512 },
      engine: 'wasm',
      forwardPrecision: 'float32',
      threads: 2,
    });
  });

  it('have the texts that were chosen, and the layers of other budgets', () => {
    const layers = [
      { from: 0, to: 2 },
      { from: 4, to: 4 },
    ];
    const own = requestedBudget({ bits: 4, orBits: 0.14 });
    const budget = {
      base: requestedBudget({ bits: 2.12 }),
      overrides: [{ layers, matrices: ['down'] as const, budget: own }],
    };
    const { calibration } = record;
    const choices = recordedChoices({
      ...record,
      settings: { ...record.settings, ...recordOfBudget(budget) },
      calibration: { ...calibration, corpus: { ...calibration.corpus, paths: ['/texts/c4.jsonl'] } },
    });
    expect(choices.calibration.source).toBe('/texts/c4.jsonl');
    expect(choices.evaluation.source).toBe('a text');
    expect(choices.overrides).toEqual([
      { layers: '0-2,4', matrices: ['down'], budget: { bits: 4, orBits: 0.14 } },
    ]);
    expect(methodSettings(choices, DEMO_DESCRIPTION).budget).toEqual(budget);
  });

  it.each([
    ['TensorFlow 2.21.0 on the GPU', 'tensorflow-gpu'],
    ['TensorFlow 2.21.0 on the CPU', 'tensorflow-cpu'],
    ['WebAssembly SIMD, 1 thread', 'wasm'],
    ['An abacus', 'auto'],
  ])('name the engine %s', (backend, engine) => {
    expect(recordedChoices({ ...record, engine: { ...record.engine, backend } }).engine).toBe(engine);
  });

  it('leave an evaluation open that the run had not come to', () => {
    const begun = { ...record, status: 'cancelled' as const, result: null };
    expect(recordedChoices(begun).evaluation).toEqual({ windows: 16 });
    const [matrix] = runRecordSchema.shape.matrices.parse([
      {
        ...{
          block: 0,
          kind: 'q',
          rows: 192,
          columns: 192,
          bytes: 9,
          loss: 1,
          outlierRatio: 0,
          damping: 0.01,
        },
        ...{ classes: [], name: 'model.layers.0.self_attn.q_proj', file: 'q', sha256: '' },
      },
    ]);
    if (matrix === undefined) throw new Error('there is no matrix');
    expect(recordedChoices({ ...begun, matrices: [matrix] }).evaluation).toEqual({ windows: 0 });
  });

  it('are refused where nothing leads to them', () => {
    const settings = { ...record.settings, groupSize: 128 };
    expect(() => recordedChoices({ ...record, settings })).toThrow(
      expect.objectContaining({ code: 'result/malformed' }),
    );
  });
});

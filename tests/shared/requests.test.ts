import { describe, expect, it } from 'vitest';
import { budgetChoicesSchema, quantizeRequestSchema, type QuantizeRequest } from '../../shared/requests.ts';

/** Path and message of each complaint. */
function complaints(request: QuantizeRequest): string[] {
  const checked = quantizeRequestSchema.safeParse(request);
  return checked.success
    ? []
    : checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('quantizeRequestSchema', () => {
  it('gives every setting that the model does not decide its default', () => {
    expect(quantizeRequestSchema.parse({ model: 'm' })).toEqual({
      model: 'm',
      restart: false,
      method: 'claq',
      budget: {},
      overrides: [],
      outlierS: 13,
      percdamp: 0.01,
      actOrder: true,
      calibration: { segments: 128, seed: 0, joinDocuments: false },
      evaluation: { windows: 16 },
      engine: 'auto',
      forwardPrecision: 'float32',
    });
  });

  it('takes AP, OR and a whole width with OR', () => {
    expect(complaints({ model: 'm', budget: { apAverage: 2.1, apWidths: [2, 4], orBits: 0.07 } })).toEqual(
      [],
    );
    expect(complaints({ model: 'm', budget: { bits: 3, orShares: [1.4, 0.4], orColumns: 10 } })).toEqual([]);
    expect(complaints({ model: 'm', method: 'gptq', budget: { bits: 4 }, groupSize: 128 })).toEqual([]);
    expect(complaints({ model: 'm', method: 'gptq', overrides: [{ budget: { bits: 3 } }] })).toEqual([]);
  });

  it.each<[string, Omit<QuantizeRequest, 'model'>, string]>([
    [
      'two widths at once',
      { budget: { bits: 2, apAverage: 2.1 } },
      'budget.apAverage: is set by bits already: give one of the two',
    ],
    [
      'two sizes at once',
      { storedBits: 2.45, budget: { bits: 2.12 } },
      'storedBits: decides the average of the widths: leave bits and AP out',
    ],
    [
      'stored bits of a method with one width for all',
      { storedBits: 3.1, method: 'rtn' },
      'storedBits: does not go with rtn, which has one width for all',
    ],
    [
      'two reservations at once',
      { budget: { orBits: 0.07, orShares: [1, 1] } },
      'budget.orShares: are set by or already: give one of the two',
    ],
    [
      'widths the wrong way round',
      { budget: { apWidths: [4, 2] } },
      'budget.apWidths: the lower width comes first',
    ],
    [
      'an average outside of its widths',
      { budget: { apAverage: 4.5, apWidths: [2, 4] } },
      'budget.apAverage: lies outside of the widths 2 and 4',
    ],
    [
      'an override with two widths at once',
      { overrides: [{ budget: { bits: 3 } }, { budget: { bits: 2, apAverage: 2.1 } }] },
      'overrides.1.budget.apAverage: is set by bits already: give one of the two',
    ],
    [
      'an override that says nothing of bits',
      { overrides: [{ layers: '0-3', budget: {} }] },
      'overrides.0.budget: says nothing: give bits, or AP and OR',
    ],
    [
      'an override with AP for gptq',
      { method: 'gptq', budget: { bits: 4 }, overrides: [{ budget: { apAverage: 2.1 } }] },
      'overrides.0.budget.apAverage: does not go with gptq, which has one width for all',
    ],
    [
      'an override that is not whole for rtn',
      { method: 'rtn', budget: { bits: 4 }, overrides: [{ budget: { bits: 2.5 } }] },
      'overrides.0.budget.bits: must be whole for rtn',
    ],
    [
      'AP for gptq',
      { method: 'gptq', budget: { apAverage: 2.1 } },
      'budget.apAverage: does not go with gptq, which has one width for all',
    ],
    ['half a bit for rtn', { method: 'rtn', budget: { bits: 2.5 } }, 'budget.bits: must be whole for rtn'],
    [
      'another order for the authors',
      { method: 'reference', columnOrder: 'benefit' },
      'columnOrder: is always outlier with reference',
    ],
    [
      'techniques of CLAQ+ for claq',
      { plus: { techniques: ['sweeps'] } },
      'plus: goes with claq-plus, not with claq',
    ],
    [
      'an order of columns beside an allocation over the model',
      { method: 'claq-plus', columnOrder: 'outlier' },
      'columnOrder: does not go with allocation, which decides over all columns of the model at once',
    ],
    [
      'reserved entries in the codebooks of CLAQ+',
      { method: 'claq-plus', codebookFit: 'all' },
      'codebookFit: is always kept with claq-plus',
    ],
    [
      'groups for claq',
      { groupSize: 128 },
      'groupSize: does not go with claq: only gptq and rtn have scales',
    ],
  ])('refuses %s', (_, request, complaint) => {
    expect(complaints({ model: 'm', ...request })).toEqual([complaint]);
  });

  it('lets an order of columns be chosen where CLAQ+ has no allocation', () => {
    const plus = { techniques: ['sweeps' as const] };
    expect(complaints({ model: 'm', method: 'claq-plus', columnOrder: 'outlier', plus })).toEqual([]);
  });

  it('bounds what a slip of the keyboard could ask for', () => {
    expect(complaints({ model: 'm', method: 'claq-plus', plus: { sweeps: 17 } })).toHaveLength(1);
    expect(complaints({ model: 'm', method: 'claq-plus', plus: { strength: 0 } })).toHaveLength(1);
    expect(complaints({ model: 'm', budget: { bits: 9 } })).toHaveLength(1);
    expect(complaints({ model: 'm', budget: { apWidths: [0, 9] } })).toHaveLength(2);
    expect(complaints({ model: 'm', budget: { orBits: 4.1 } })).toHaveLength(1);
    expect(complaints({ model: 'm', budget: { orShares: [25, 25] } })).toEqual([]);
    expect(complaints({ model: 'm', budget: { orShares: [30, 1] } })).toEqual([
      'budget.orShares.0: Too big: expected number to be <=25',
    ]);
    expect(complaints({ model: 'm', threads: 100_000 })).toHaveLength(1);
    expect(complaints({ model: 'm', percdamp: 0 })).toHaveLength(1);
    expect(complaints({ model: '' })).toEqual(['model: a path may not be empty']);
  });
});

describe('budgetChoicesSchema', () => {
  it('gives its defaults', () => {
    expect(budgetChoicesSchema.parse({})).toEqual({ budget: {}, overrides: [], outlierS: 13 });
  });

  it('refuses what a run would refuse', () => {
    const checked = budgetChoicesSchema.safeParse({
      budget: { bits: 2, apAverage: 2.1 },
      overrides: [{ layers: '0-3;7', budget: { bits: 3 } }],
    });
    expect(checked.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['overrides.0.layers', 'layers have the form 0-3,7'],
      ['budget.apAverage', 'is set by bits already: give one of the two'],
    ]);
  });
});

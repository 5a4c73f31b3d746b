import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { previewBudget } from '../../shared/budget-preview.ts';
import { type Move, type SizeTarget, hitTarget, reachableSizes } from '../../shared/hit-size.ts';
import { keptParameters } from '../../shared/model-bytes.ts';
import { type ModelDescription, quantizedWeights } from '../../shared/model.ts';
import { plannedNominalBits, plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { type BudgetChoices, type BudgetRequest, budgetChoicesSchema } from '../../shared/requests.ts';
import { thrownBy } from '../engine/checkpoint/thrown.ts';
import { LLAMA_7B } from '../known-models.ts';

/** Matrices of 32 and of 48 columns: shares of columns turn at multiples of 1 / 192. */
const SMALL: ModelDescription = {
  ...LLAMA_7B,
  blocks: 3,
  hiddenSize: 32,
  ffnSize: 48,
  heads: 2,
  kvHeads: 1,
  headDim: 16,
  vocabSize: 100,
};

const choicesOf = (request: BudgetRequest, overrides: BudgetChoices['overrides'] = []): BudgetChoices =>
  budgetChoicesSchema.parse({ budget: request, overrides });

const OVERRIDES: BudgetChoices['overrides'] = [
  { layers: '1', matrices: ['v', 'down'], budget: { bits: 4, orBits: 0.2 } },
];

function packed(model: ModelDescription, choices: BudgetChoices, budget: BudgetRequest): number {
  const own = requestedModelBudget({ ...choices, budget }, model.blocks);
  return plannedPackedBytes(model, { method: 'claq', budget: own });
}

/** In halves, in one file: embeddings, head, two norms a block and one; a checksum of each, of six arrays a matrix, and of the header. */
function keptBytes(model: ModelDescription): number {
  return 2 * keptParameters(model) + 32 * (3 + 2 * model.blocks + 6 * 7 * model.blocks + 1);
}

const MIDDLES = Array.from({ length: 192 }, (_, index) => (index + 0.5) / 192);

describe('hitting a size', () => {
  const cases: [string, BudgetChoices, BudgetRequest[]][] = [
    [
      'AP alone, the widths of its averages',
      choicesOf({ bits: 3 }, OVERRIDES),
      [
        ...[1, 2, 3, 4, 5, 6, 7, 8].map((apAverage) => ({ apAverage })),
        ...[1, 3, 4, 5, 6, 7].flatMap((low) => MIDDLES.map((share) => ({ apAverage: low + share }))),
        ...MIDDLES.slice(0, 96).map((share) => ({ apAverage: 2 + 2 * share })),
      ],
    ],
    [
      'AP with OR, widths of its own',
      choicesOf({ bits: 2.12, apWidths: [2, 5], orShares: [6, 2], orColumns: 30 }),
      [0, ...MIDDLES, 1].map((share) => ({
        apAverage: 2 + 3 * share,
        apWidths: [2, 5],
        orShares: [6, 2],
        orColumns: 30,
      })),
    ],
  ];
  it.each(cases)('finds the largest that fits: %s', (_, choices, all) => {
    const kept = keptBytes(SMALL);
    const sizes = all.map((request) => packed(SMALL, choices, request) + kept).sort((a, b) => a - b);
    const [smallest, largest] = reachableSizes(SMALL, 'F16', choices, 'bytes', 'ap');
    expect([smallest.reached, largest.reached]).toEqual([sizes[0], sizes.at(-1)]);
    fc.assert(
      fc.property(fc.integer({ min: smallest.reached, max: largest.reached }), (value) => {
        const hit = hitTarget(SMALL, 'F16', choices, { kind: 'bytes', value }, 'ap');
        expect(hit.reached).toBe(sizes.findLast((size) => size <= value));
        expect(packed(SMALL, choices, hit.budget) + kept).toBe(hit.reached);
      }),
    );
  });

  it.each<[string, BudgetChoices]>([
    ['from none', choicesOf({ bits: 3 }, OVERRIDES)],
    ['of a setting of the paper', choicesOf({ bits: 2.12 })],
    ['with shares and head of its own', choicesOf({ bits: 3, orShares: [5, 3], orColumns: 40 })],
  ])('moves OR as well: %s', (_, choices) => {
    const [smallest, largest] = reachableSizes(SMALL, 'F16', choices, 'stored-bits', 'or');
    const { precision } = requestedModelBudget(choices, SMALL.blocks).base;
    const all = Array.from({ length: 4000 }, (_, step) => (step / 4000) * 0.249);
    const { orColumns } = choices.budget;
    const ratio = choices.budget.orShares === undefined ? 0.4 / 1.4 : 3 / 5;
    const requests = all.map((head): BudgetRequest => ({
      apAverage: precision.average,
      orShares: [100 * head, 100 * head * ratio],
      ...(orColumns === undefined || head === 0 ? {} : { orColumns }),
    }));
    const weights = quantizedWeights(SMALL);
    const sizes = requests.map((request) => (8 * packed(SMALL, choices, request)) / weights);
    fc.assert(
      fc.property(fc.double({ min: smallest.reached, max: largest.reached, noNaN: true }), (value) => {
        const hit = hitTarget(SMALL, 'F16', choices, { kind: 'stored-bits', value }, 'or');
        expect(hit.reached).toBeLessThanOrEqual(value);
        expect(hit.reached).toBe((8 * packed(SMALL, choices, hit.budget)) / weights);
        // No setting of the grid lies between it and the target.
        expect(sizes.filter((size) => size > hit.reached && size <= value)).toEqual([]);
        expect(requestedModelBudget({ ...choices, budget: hit.budget }, 3).base.precision).toEqual(precision);
      }),
    );
  });

  it('meets nominal bits as they are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<BudgetChoices>(
          choicesOf({ bits: 2.12 }, OVERRIDES),
          choicesOf({ bits: 3, apWidths: [2, 5], orShares: [2, 1] }),
        ),
        fc.constantFrom<Move>('ap', 'or'),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (choices, move, share) => {
          const [from, to] = reachableSizes(SMALL, 'F16', choices, 'nominal-bits', move);
          const value = from.reached + share * (to.reached - from.reached);
          const hit = hitTarget(SMALL, 'F16', choices, { kind: 'nominal-bits', value }, move);
          const own = requestedModelBudget({ ...choices, budget: hit.budget }, SMALL.blocks);
          expect(hit.reached).toBeCloseTo(plannedNominalBits(SMALL, own), 9);
          expect(hit.reached).toBeCloseTo(value, 7);
        },
      ),
    );
  });

  it('never goes over the size that the preview then shows, whatever the model keeps', () => {
    const stored = { bytes: 123_457, tensors: 12, files: 3 };
    for (const kept of [undefined, stored]) {
      const choices = { ...choicesOf({ bits: 3 }, OVERRIDES), kept };
      const [{ reached: least }, { reached: most }] = reachableSizes(SMALL, 'F16', choices, 'bytes', 'ap');
      for (const part of [0, 0.3, 0.7, 1]) {
        const value = Math.floor(least + part * (most - least));
        const { budget, reached } = hitTarget(SMALL, 'F16', choices, { kind: 'bytes', value }, 'ap');
        const shown = previewBudget(SMALL, 'F16', { ...choices, budget, columnOrder: 'outlier' }, kept);
        expect(shown.packedModelBytes).toBe(reached);
        expect(reached).toBeLessThanOrEqual(value);
      }
    }
  });

  it('finds the paper’s parts again', () => {
    const hit = (choices: BudgetChoices, target: SizeTarget, move: Move): BudgetRequest =>
      hitTarget(LLAMA_7B, 'F16', choices, target, move).budget;
    const nominal: SizeTarget = { kind: 'nominal-bits', value: 2.12 };
    expect(hit(choicesOf({ bits: 3, orBits: 0.07 }), nominal, 'ap')).toEqual({
      apAverage: 2.05,
      orBits: 0.07,
    });
    expect(hit(choicesOf({ apAverage: 2.05 }), nominal, 'or')).toEqual({ apAverage: 2.05, orBits: 0.07 });
    // In whole columns and entries, of which 2.12 stands for a few.
    const bytes = packed(LLAMA_7B, choicesOf({}), { bits: 2.12 }) + keptBytes(LLAMA_7B);
    const found = hitTarget(
      LLAMA_7B,
      'F16',
      choicesOf({ bits: 2.24 }),
      { kind: 'bytes', value: bytes },
      'or',
    );
    expect(found.reached).toBeLessThanOrEqual(bytes);
    const again = hitTarget(
      LLAMA_7B,
      'F16',
      choicesOf({ bits: 2.12 }),
      { kind: 'bytes', value: bytes },
      'ap',
    );
    expect(again.reached).toBe(bytes);
    expect(again.budget.apAverage).toBeCloseTo(2.05, 3);
  });

  it('says what is nearest where a size cannot be met', async () => {
    const thrown = (target: SizeTarget, move: Move) =>
      thrownBy(() => hitTarget(LLAMA_7B, 'F16', choicesOf({ bits: 2.12 }), target, move));
    expect(await thrown({ kind: 'stored-bits', value: 1 }, 'ap')).toMatchObject({
      code: 'budget/cannot-be-met',
      message: 'AP alone does not come to this size',
      expected: expect.stringMatching(/^from 1\.\d+ stored bits to 8\.\d+ stored bits$/) as unknown,
      found: '1 stored bits',
      remedy: expect.stringMatching(
        /^the nearest is 1\.\d+ stored bits, with the least that AP can be; for less, change OR/,
      ) as unknown,
    });
    expect(await thrown({ kind: 'bytes', value: 100e9 }, 'or')).toMatchObject({
      message: 'OR alone does not come to this size',
      found: '100 GB',
      remedy: expect.stringMatching(
        /^the nearest is \d+(\.\d+)? GB, with the most that OR can be; for more, change AP/,
      ) as unknown,
    });
    const covered = choicesOf({ bits: 2 }, [{ budget: { bits: 3 } }]);
    expect(
      await thrownBy(() => hitTarget(SMALL, 'F16', covered, { kind: 'stored-bits', value: 3 }, 'ap')),
    ).toMatchObject({ code: 'budget/cannot-be-met', found: 'overrides for all of them' });
  });
});

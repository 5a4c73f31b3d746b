import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Budget, planByOrder } from '../../shared/budget.ts';
import { storedBits, totalBytes } from '../../shared/bits.ts';
import { ANALYSED_TAIL_SHARES, BENEFIT_POINTS } from '../../shared/loss-profile.ts';
import { type ModelBudget, budgetForAll, matrixBudget } from '../../shared/model-budget.ts';
import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';
import { plannedMatrixBytes } from '../../shared/planned-bytes.ts';
import { benefitBudgets, benefitKey, predictedLoss } from '../../shared/predicted-loss.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import { SMOLLM2 } from '../known-models.ts';
import { type AnalysedColumns, analysedMatrices, analysedModel, profileOf } from './analysed-columns.ts';

/** 1024 columns: every second of PROFILE_POSITIONS falls on a column, 1024 (2 i / 64)^2 = i^2. */
const MODEL = analysedModel(SMOLLM2, 2, 2048, 1024);
const MATRICES = analysedMatrices(MODEL);
const PROFILE = profileOf(MATRICES);

/** What each column loses at its own width and reserved entries, between two analysed counts by the error's logarithm. */
function plainLosses(
  model: ModelDescription,
  matrices: readonly AnalysedColumns[],
  budget: ModelBudget,
): number[] {
  return matrices.map(({ energies, error }, matrix) => {
    const kind = MATRIX_KINDS[matrix % MATRIX_KINDS.length] ?? 'q';
    const { rows } = matrixShape(model, kind);
    const own = matrixBudget(budget, Math.floor(matrix / MATRIX_KINDS.length), kind);
    const columns = Int32Array.from(energies, (_, column) => column);
    const plan = planByOrder(columns, rows, own);
    const counts = ANALYSED_TAIL_SHARES.map((share) => Math.round(rows * share));
    let loss = 0;
    for (const column of columns) {
      const count = plan.reservedLow[column] ?? 0;
      const width = plan.widths[column] ?? 0;
      const beyond = 4 ** Math.min(0, 5 - width);
      const share = counts.findLastIndex((each) => each <= count);
      const low = error(column, share, Math.min(width, 5));
      const from = counts[share] ?? 0;
      const to = counts[share + 1];
      const part = to === undefined || to === from ? 0 : (count - from) / (to - from);
      const high = part === 0 ? low : error(column, share + 1, Math.min(width, 5));
      loss += beyond * low * (high / low) ** part;
    }
    return loss;
  });
}

function expectNear(found: Float64Array, expected: readonly number[], bound: number): void {
  expect(found).toHaveLength(expected.length);
  for (const [matrix, loss] of found.entries()) {
    expect(Math.abs(loss / (expected[matrix] ?? NaN) - 1)).toBeLessThan(bound);
  }
}

const budget = (request: Parameters<typeof requestedBudget>[0]): Budget => requestedBudget(request);
/** Shares of columns that lie on positions: (i / 64)^2. */
const on = (i: number): number => (i / 64) ** 2;

describe('predicted loss by Outlier Order', () => {
  it.each<[string, ModelBudget]>([
    ['one width', budgetForAll(budget({ bits: 3 }))],
    ['a width beyond those that were analysed', budgetForAll(budget({ bits: 7 }))],
    ['AP', budgetForAll(budget({ apAverage: 2 + 2 * on(16), apWidths: [2, 4] }))],
    [
      'AP with OR, of which the head is larger',
      budgetForAll(
        budget({ apAverage: 2 + 2 * on(8), apWidths: [2, 4], orShares: [1.4, 0.4], orColumns: 100 * on(20) }),
      ),
    ],
    [
      'AP with OR, of which the head is smaller, and overrides',
      {
        base: budget({
          apAverage: 3 + on(40),
          apWidths: [3, 4],
          orShares: [2.8, 0.2],
          orColumns: 100 * on(20),
        }),
        overrides: [
          { layers: [{ from: 1, to: 1 }], matrices: ['o', 'down'], budget: budget({ bits: 5 }) },
          { layers: undefined, matrices: ['v'], budget: budget({ bits: 1, orShares: [0.8, 0] }) },
        ],
      },
    ],
  ])('is the sum over columns where boundaries fall on positions: %s', (_, each) => {
    const found = predictedLoss({ profile: PROFILE }, MODEL, each, 'outlier');
    // Sums are kept as float32; v has 64 rows, of which shares are whole entries.
    const expected = plainLosses(MODEL, MATRICES, each);
    const exact = [...expected.keys()].filter((matrix) => each.overrides.length === 0 || matrix % 7 !== 2);
    expectNear(
      Float64Array.from(exact, (matrix) => found?.matrices[matrix] ?? NaN),
      exact.map((matrix) => expected[matrix] ?? NaN),
      1e-4,
    );
  });

  // Positions stand 1.5 % of the columns apart at the end of the order: there a few narrow columns are told least well.
  it('is near it everywhere else', () => {
    const request = fc.record({
      apAverage: fc.double({ min: 2, max: 4, noNaN: true }),
      apWidths: fc.constant<[number, number]>([2, 4]),
      orShares: fc.tuple(
        fc.double({ min: 0.01, max: 2.8, noNaN: true }),
        fc.double({ min: 0.01, max: 2.8, noNaN: true }),
      ),
      orColumns: fc.double({ min: 0, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(request, request, (base, own) => {
        const each: ModelBudget = {
          base: budget(base),
          overrides: [{ layers: [{ from: 0, to: 0 }], matrices: ['q', 'up'], budget: budget(own) }],
        };
        const found = predictedLoss({ profile: PROFILE }, MODEL, each, 'outlier');
        expectNear(found?.matrices ?? new Float64Array(), plainLosses(MODEL, MATRICES, each), 0.03);
      }),
      { numRuns: 30 },
    );
  });

  it('is told as a share of all, too', () => {
    const found = predictedLoss({ profile: PROFILE }, MODEL, budgetForAll(budget({ bits: 3 })), 'outlier');
    const total = found?.matrices.reduce((sum, each) => sum + each, 0);
    expect(found?.total).toBe(total);
    const energy = MATRICES.flatMap(({ energies }) => [...energies]).reduce((sum, each) => sum + each, 0);
    expect(found?.relative).toBeCloseTo((total ?? NaN) / energy, 6);
  });
});

describe('predicted loss by benefit', () => {
  const each: ModelBudget = {
    base: budget({ bits: 2.12 }),
    overrides: [{ layers: undefined, matrices: ['v'], budget: budget({ bits: 3 }) }],
  };

  it('asks for the curves that it needs, each once', () => {
    expect(
      benefitBudgets([each, budgetForAll(budget({ bits: 2.12 })), budgetForAll(budget({ bits: 2.5 }))]),
    ).toEqual([
      { low: 2, high: 4, headShare: 0.014, restShare: 0.004 },
      { low: 2, high: 4, headShare: 0, restShare: 0 },
    ]);
  });

  it('reads them at the bits that the budget may spend', () => {
    // Loss 100 (matrix + 1) at 2 bits, falling by half of it to 4 bits.
    const curve = new Float32Array(MATRICES.length * BENEFIT_POINTS * 2);
    for (let matrix = 0; matrix < MATRICES.length; matrix++) {
      for (let point = 0; point < BENEFIT_POINTS; point++) {
        const at = 2 * (matrix * BENEFIT_POINTS + point);
        const along = point / (BENEFIT_POINTS - 1);
        curve[at] = 2 + 2 * along;
        curve[at + 1] = 100 * (matrix + 1) * (1 - along / 2);
      }
    }
    const benefit = new Map(benefitBudgets([each]).map((asked) => [benefitKey(asked), curve]));
    const found = predictedLoss({ profile: PROFILE, benefit }, MODEL, each, 'benefit');
    const three = predictedLoss({ profile: PROFILE }, MODEL, budgetForAll(budget({ bits: 3 })), 'outlier');
    for (const [matrix, loss] of (found?.matrices ?? []).entries()) {
      const kind = MATRIX_KINDS[matrix % MATRIX_KINDS.length] ?? 'q';
      if (kind === 'v') {
        expect(loss).toBe(three?.matrices[matrix]);
        continue;
      }
      const shape = matrixShape(MODEL, kind);
      const bytes = totalBytes(plannedMatrixBytes(shape, each.base, { method: 'claq' }));
      const along = Math.min(1, (storedBits(bytes, shape.rows * shape.columns) - 2) / 2);
      expect(loss / (100 * (matrix + 1) * (1 - along / 2))).toBeCloseTo(1, 5);
    }
  });

  it('knows nothing where a curve is not there', () => {
    expect(predictedLoss({ profile: PROFILE }, MODEL, each, 'benefit')).toBeUndefined();
  });
});

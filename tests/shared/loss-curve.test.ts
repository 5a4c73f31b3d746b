import { describe, expect, it } from 'vitest';
import { budgetOfBits } from '../../shared/budget.ts';
import { curveBudgets, lossCurve, presetPoints } from '../../shared/loss-curve.ts';
import { budgetForAll } from '../../shared/model-budget.ts';
import { plannedPackedBytes } from '../../shared/planned-bytes.ts';
import { predictedLoss } from '../../shared/predicted-loss.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import { quantizedWeights } from '../../shared/model.ts';
import { SMOLLM2 } from '../known-models.ts';
import { analysedMatrices, analysedModel, profileOf } from './analysed-columns.ts';

const MODEL = analysedModel(SMOLLM2, 1, 1024, 512);
const SOURCE = { profile: profileOf(analysedMatrices(MODEL)) };

describe('a curve of predicted loss', () => {
  it('goes from a bit below the widths to a bit above them, with the reservation that there is', () => {
    const budgets = curveBudgets(budgetForAll(budgetOfBits(2.12)));
    expect(budgets).toHaveLength(41);
    expect([budgets[0], budgets[10], budgets[15], budgets[30], budgets[35], budgets[40]]).toEqual(
      [
        { low: 1, high: 1, average: 1 },
        { low: 2, high: 4, average: 2 },
        { low: 2, high: 4, average: 2.5 },
        { low: 2, high: 4, average: 4 },
        { low: 4, high: 5, average: 4.5 },
        { low: 5, high: 5, average: 5 },
      ].map((precision) => ({ base: { ...budgetOfBits(2.12), precision }, overrides: [] })),
    );
  });

  it('stays between the narrowest and the widest column that there may be', () => {
    const averages = (bits: number): number[] =>
      curveBudgets(budgetForAll(requestedBudget({ bits }))).map(({ base }) => base.precision.average);
    expect([Math.min(...averages(1)), Math.max(...averages(1))]).toEqual([1, 2]);
    expect([Math.min(...averages(8)), Math.max(...averages(8))]).toEqual([7, 8]);
  });

  it('falls, and has the bits and losses of its budgets', () => {
    const budget = budgetForAll(requestedBudget({ apAverage: 3.2, orBits: 0.07 }));
    const curve = lossCurve(SOURCE, MODEL, budget, 'outlier');
    const losses = curve.map(({ loss }) => loss);
    expect(losses).toEqual(losses.toSorted((a, b) => b - a));
    for (const point of curve) {
      const bytes = plannedPackedBytes(MODEL, { method: 'claq', budget: point.budget });
      expect(point.storedBits).toBe((8 * bytes) / quantizedWeights(MODEL));
      const { total, relative } = predictedLoss(SOURCE, MODEL, point.budget, 'outlier') ?? {};
      expect([point.loss, point.relative]).toEqual([total, relative]);
    }
  });

  it('has a point for each of the paper’s settings; by benefit where nothing has to be chosen', () => {
    const bits = (order: 'outlier' | 'benefit'): number[][] =>
      presetPoints(SOURCE, MODEL, order).map((point) => [point.bits, Number(point.nominalBits.toFixed(4))]);
    expect(bits('outlier')).toEqual([2, 2.1, 2.12, 2.24, 2.5, 3, 3.12, 3.23, 4].map((each) => [each, each]));
    // The others wait for their curves: those that are there keep their own names.
    expect(bits('benefit')).toEqual([2, 3, 4].map((each) => [each, each]));
  });
});

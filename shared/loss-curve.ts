/** Predicted loss against stored bits: along the averages of AP, and at the paper's settings. */
import { PAPER_BITS } from './budget-presets.ts';
import { storedBits } from './bits.ts';
import { MAX_WIDTH, MIN_WIDTH, adaptivePrecision, budgetOfBits } from './budget.ts';
import type { ColumnOrder } from './method.ts';
import { type ModelBudget, budgetForAll } from './model-budget.ts';
import { type ModelDescription, quantizedWeights } from './model.ts';
import { plannedNominalBits, plannedPackedBytes } from './planned-bytes.ts';
import { type LossSource, predictedLoss } from './predicted-loss.ts';

const CURVE_POINTS = 41;

export interface LossPoint {
  readonly budget: ModelBudget;
  readonly nominalBits: number;
  /** At most, by benefit. */
  readonly storedBits: number;
  readonly loss: number;
  /** As a share of what the loss would be with all weights 0. */
  readonly relative: number;
}

/**
 * The budgets of a curve: the average of AP goes from a bit below its lower width to a bit above its higher one, between the two
 * with these widths, beyond them with those that a budget has where nobody says; reservation and overrides stay.
 */
export function curveBudgets({ base, overrides }: ModelBudget): ModelBudget[] {
  const { low, high } = base.precision;
  const from = Math.max(MIN_WIDTH, low - 1);
  const to = Math.min(MAX_WIDTH, high + 1);
  return Array.from({ length: CURVE_POINTS }, (_, point) => {
    const average = from + ((to - from) * point) / (CURVE_POINTS - 1);
    const within = low <= average && average <= high;
    const precision = adaptivePrecision(average, within ? [low, high] : undefined);
    return { base: { ...base, precision }, overrides };
  });
}

/** A setting of the paper, by the bits that name it. */
export interface PresetPoint extends LossPoint {
  readonly bits: number;
}

/** Points of the paper's settings, as lossPoints has them. */
export function presetPoints(source: LossSource, model: ModelDescription, order: ColumnOrder): PresetPoint[] {
  return PAPER_BITS.flatMap((bits) =>
    lossPoints(source, model, [budgetForAll(budgetOfBits(bits))], order).map((point) => ({ ...point, bits })),
  );
}

/** The budgets of the paper's settings, in the order of PAPER_BITS. */
export function presetBudgets(): ModelBudget[] {
  return PAPER_BITS.map((bits) => budgetForAll(budgetOfBits(bits)));
}

/** Points of the budgets, in their order; one that takes a curve by benefit which is not there has none. */
export function lossPoints(
  source: LossSource,
  model: ModelDescription,
  budgets: readonly ModelBudget[],
  order: ColumnOrder,
): LossPoint[] {
  const weights = quantizedWeights(model);
  return budgets.flatMap((budget) => {
    const loss = predictedLoss(source, model, budget, order);
    if (loss === undefined) return [];
    const bytes = plannedPackedBytes(model, { method: 'claq', budget });
    return {
      budget,
      nominalBits: plannedNominalBits(model, budget),
      storedBits: storedBits(bytes, weights),
      loss: loss.total,
      relative: loss.relative,
    };
  });
}

/** The curve around a budget, by ascending average. */
export function lossCurve(
  source: LossSource,
  model: ModelDescription,
  budget: ModelBudget,
  order: ColumnOrder,
): LossPoint[] {
  return lossPoints(source, model, curveBudgets(budget), order);
}

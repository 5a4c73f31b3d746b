/**
 * What a budget loses, foretold from an analysis of the weights: squared errors of all columns at their widths and reserved
 * entries, each weighted by what it does to the layer's output where that is known.
 */
import { ANALYSED_ERRORS, errorBetween, errorPlace } from './analysed-errors.ts';
import { budgetParts } from './budget-presets.ts';
import { type Budget, planZones } from './budget.ts';
import { storedBits, totalBytes } from './bits.ts';
import {
  BENEFIT_POINTS,
  type BenefitBudget,
  type BenefitCurves,
  type LossProfile,
  PROFILE_POSITIONS,
} from './loss-profile.ts';
import type { ColumnOrder } from './method.ts';
import { type ModelBudget, budgetsOfKind } from './model-budget.ts';
import { MATRIX_KINDS, type MatrixShape, type ModelDescription, matrixShape } from './model.ts';
import { float32Of } from './number-text.ts';
import { plannedMatrixBytes } from './planned-bytes.ts';

/** A loss profile whose numbers are numbers; matrices block by block, in a block in the order of MATRIX_KINDS. */
export interface DecodedLossProfile extends Pick<LossProfile, 's' | 'tieRule' | 'weighting'> {
  /** [matrix][PROFILE_POSITIONS][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS] */
  readonly sums: Float32Array;
  /** [matrix] */
  readonly energies: Float32Array;
}

/** By benefitKey: [matrix][BENEFIT_POINTS][2], stored bits a weight and error. */
export type DecodedBenefitCurves = ReadonlyMap<string, Float32Array>;

export interface LossSource {
  readonly profile: DecodedLossProfile;
  /** Of the same weighting as the profile. */
  readonly benefit?: DecodedBenefitCurves | undefined;
}

export interface PredictedLoss {
  readonly total: number;
  /** As a share of what the loss would be with all weights 0. */
  readonly relative: number;
  /** [matrix] */
  readonly matrices: Float64Array;
}

export function decodeLossProfile({
  s,
  tieRule,
  weighting,
  sums,
  energies,
}: LossProfile): DecodedLossProfile {
  return { s, tieRule, weighting, sums: float32Of(sums), energies: float32Of(energies) };
}

/** @param asked what curves were asked for, in the same order */
export function decodeBenefitCurves(
  asked: readonly BenefitBudget[],
  { curves }: BenefitCurves,
): DecodedBenefitCurves {
  const found = new Map<string, Float32Array>();
  for (const [index, budget] of asked.entries()) {
    const curve = curves[index];
    if (curve !== undefined) found.set(benefitKey(budget), float32Of(curve));
  }
  return found;
}

export function benefitKey({ low, high, headShare, restShare }: BenefitBudget): string {
  return [low, high, headShare, restShare].join(' ');
}

/** What curves the budgets need under the order by benefit, each once. */
export function benefitBudgets(budgets: Iterable<ModelBudget>): BenefitBudget[] {
  const found = new Map<string, BenefitBudget>();
  for (const { base, overrides } of budgets) {
    for (const each of [base, ...overrides.map(({ budget }) => budget)]) {
      const budget = benefitBudget(each);
      if (budget !== undefined) found.set(benefitKey(budget), budget);
    }
  }
  return [...found.values()];
}

/** Undefined where all columns get the same: there is nothing to choose. */
function benefitBudget(budget: Budget): BenefitBudget | undefined {
  if (budgetParts(budget) === 'single') return undefined;
  const { precision, reservation } = budget;
  return {
    low: precision.low,
    high: precision.high,
    headShare: reservation?.headShare ?? 0,
    restShare: reservation?.restShare ?? 0,
  };
}

/** Undefined where a curve by benefit that it takes is not there. */
export function predictedLoss(
  source: LossSource,
  model: ModelDescription,
  budget: ModelBudget,
  order: ColumnOrder,
): PredictedLoss | undefined {
  const { energies } = source.profile;
  const matrices = new Float64Array(model.blocks * MATRIX_KINDS.length);
  for (const [place, kind] of MATRIX_KINDS.entries()) {
    const shape = matrixShape(model, kind);
    for (const [own, blocks] of budgetsOfKind(budget, kind, model.blocks)) {
      const loss = order === 'benefit' ? lossByBenefit(source, shape, own) : lossByOrder(source, shape, own);
      if (loss === undefined) return undefined;
      for (const block of blocks) {
        const matrix = block * MATRIX_KINDS.length + place;
        matrices[matrix] = loss(matrix);
      }
    }
  }
  const total = sum(matrices);
  const energy = sum(energies);
  return { total, relative: energy === 0 ? 0 : total / energy, matrices };
}

function sum(values: Float32Array | Float64Array): number {
  let all = 0;
  for (const value of values) all += value;
  return all;
}

/** Of a matrix by its index. */
type LossOfMatrix = (matrix: number) => number;

function lossByOrder({ profile }: LossSource, shape: MatrixShape, budget: Budget): LossOfMatrix {
  const { sums } = profile;
  const zones = planZones(shape, budget).map(({ from, to, width, tails }) => ({
    from: profilePlace(from / shape.columns),
    to: profilePlace(to / shape.columns),
    place: errorPlace(shape.rows, width, tails.low),
  }));
  return (matrix) => {
    const first = matrix * PROFILE_POSITIONS.length * ANALYSED_ERRORS;
    const upTo = ({ index, part }: ProfilePlace, error: number): number => {
      const at = first + index * ANALYSED_ERRORS + error;
      const [before = 0, behind = 0] = [sums[at], part === 0 ? 0 : sums[at + ANALYSED_ERRORS]];
      return before + part * (behind - before);
    };
    let loss = 0;
    for (const { from, to, place } of zones) {
      const below = upTo(to, place.below) - upTo(from, place.below);
      const above = upTo(to, place.above) - upTo(from, place.above);
      loss += errorBetween(below, above, place);
    }
    return loss;
  };
}

/** Where a share of the columns lies among PROFILE_POSITIONS: at one of them, and a part of the way to the next. */
interface ProfilePlace {
  readonly index: number;
  readonly part: number;
}

function profilePlace(share: number): ProfilePlace {
  // The positions are squares.
  let index = Math.floor(Math.sqrt(share) * (PROFILE_POSITIONS.length - 1));
  // A square root may be off in its last digit.
  if ((PROFILE_POSITIONS[index + 1] ?? Infinity) <= share) index += 1;
  const [from = 0, to] = [PROFILE_POSITIONS[index], PROFILE_POSITIONS[index + 1]];
  return { index, part: to === undefined ? 0 : (share - from) / (to - from) };
}

/** The choice by benefit spends what the plan by order would: its loss is where the curve has these bits. */
function lossByBenefit(source: LossSource, shape: MatrixShape, budget: Budget): LossOfMatrix | undefined {
  const kind = benefitBudget(budget);
  if (kind === undefined) return lossByOrder(source, shape, budget);
  const curves = source.benefit?.get(benefitKey(kind));
  if (curves === undefined) return undefined;
  const bytes = totalBytes(plannedMatrixBytes(shape, budget, { method: 'claq' }));
  const bits = storedBits(bytes, shape.rows * shape.columns);
  return (matrix) => {
    const first = 2 * matrix * BENEFIT_POINTS;
    const last = first + 2 * (BENEFIT_POINTS - 1);
    const [least = 0, most = 0] = [curves[first], curves[last]];
    // Points lie at equal distances in bits.
    const along = most > least ? ((bits - least) / (most - least)) * (BENEFIT_POINTS - 1) : 0;
    const place = Math.min(Math.max(along, 0), BENEFIT_POINTS - 1);
    const point = Math.min(Math.floor(place), BENEFIT_POINTS - 2);
    const [before = 0, behind = 0] = [curves[first + 2 * point + 1], curves[first + 2 * point + 3]];
    return before + (place - point) * (behind - before);
  };
}

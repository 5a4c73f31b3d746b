/** "Hit this size": the largest budget that does not go over a target, with AP's average or OR's shares to move. */
import { storedBits, totalBytes } from './bits.ts';
import { type Budget, MAX_WIDTH, MIN_WIDTH, nominalBits } from './budget.ts';
import {
  type BudgetSettings,
  precisionSettings,
  reservationParts,
  reservationSettings,
} from './budget-settings.ts';
import { ClaqError } from './errors.ts';
import { type KeptTensors, assumedKept, packedModelBytes } from './model-bytes.ts';
import { type ModelBudget, budgetsOfKind } from './model-budget.ts';
import {
  MATRIX_KINDS,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from './model.ts';
import { type PlannedForm, packedArrays, plannedMatrixBytes } from './planned-bytes.ts';
import { readableBytes } from './readable-quantities.ts';
import { requestedBudget } from './requested-budget.ts';
import { requestedModelBudget } from './requested-model-budget.ts';
import type { BudgetChoices, BudgetRequest } from './requests.ts';

/** `bytes`: of all tensors of the packed model, what is not quantized and the checksums too. Bits are a weight's. */
export const TARGET_KINDS = ['bytes', 'stored-bits', 'nominal-bits'] as const;
export type TargetKind = (typeof TARGET_KINDS)[number];

export interface SizeTarget {
  readonly kind: TargetKind;
  readonly value: number;
}

/** What may move: the average of AP, or the shares of OR. The other stays, and so do overrides. */
export const MOVES = ['ap', 'or'] as const;
export type Move = (typeof MOVES)[number];

export interface SizeHit {
  /** Instead of the choices' own. */
  readonly budget: BudgetRequest;
  /** What it comes to, in the target's unit; at most that by benefit. */
  readonly reached: number;
}

interface Choices extends Pick<BudgetChoices, 'budget' | 'overrides'> {
  /** How the matrices will be written; the paper's way where it is not said. */
  readonly form?: PlannedForm | undefined;
  /** What is not quantized as the model's files have it; as its description and dtype have it where that is not known. */
  readonly kept?: KeptTensors | undefined;
}

/**
 * @param dtype of what is not quantized, as safetensors names it
 * Throws ClaqError budget/cannot-be-met, which names the nearest target that can be met; and for choices that are none
 * budget/out-of-range, budget/contradiction.
 */
export function hitTarget(
  model: ModelDescription,
  dtype: string,
  choices: Choices,
  target: SizeTarget,
  move: Move,
): SizeHit {
  const search = searchOf(model, dtype, choices, target.kind, move);
  const [smallest, largest] = search.range;
  // Nominal bits are sums of decimal fractions, off in their last digits.
  const slack = target.kind === 'nominal-bits' ? 1e-9 : 0;
  if (target.value < smallest.reached - slack || target.value > largest.reached + slack) {
    throw notMet(target, move, [smallest.reached, largest.reached]);
  }
  return search.largestWithin(target.value);
}

/** The smallest and the largest that a move comes to: hitTarget meets what lies between them. */
export function reachableSizes(
  model: ModelDescription,
  dtype: string,
  choices: Choices,
  kind: TargetKind,
  move: Move,
): readonly [smallest: SizeHit, largest: SizeHit] {
  return searchOf(model, dtype, choices, kind, move).range;
}

interface Search {
  readonly range: readonly [smallest: SizeHit, largest: SizeHit];
  /** @param value within the range */
  readonly largestWithin: (value: number) => SizeHit;
}

function searchOf(
  model: ModelDescription,
  dtype: string,
  choices: Choices,
  kind: TargetKind,
  move: Move,
): Search {
  const budget = requestedModelBudget(choices, model.blocks);
  const { form = { method: 'claq' } } = choices;
  const moved = movedMatrices(model, budget, form);
  if (moved.matrices.length === 0) {
    throw new ClaqError('budget/cannot-be-met', 'Every matrix has an override: there is nothing to move', {
      expected: 'matrices that follow the budget itself',
      found: 'overrides for all of them',
      remedy: 'take an override away, or change it by hand',
    });
  }
  if (kind === 'nominal-bits') return nominalSearch(model, choices.budget, budget, moved, move);
  const weights = quantizedWeights(model);
  const kept = choices.kept ?? assumedKept(model, dtype);
  const arrays = packedArrays(model, form);
  const reached = (request: BudgetRequest): number => {
    const bytes = moved.bytes(request);
    return kind === 'bytes' ? packedModelBytes(bytes, arrays, kept) : storedBits(bytes, weights);
  };
  const { precision, reservation } = budget.base;
  const shapes = moved.matrices.map(({ shape }) => shape);
  return steppedSearch(
    move === 'ap'
      ? precisionSettings(shapes, choices.budget, reservation)
      : [reservationSettings(shapes, choices.budget, precision.average, reservation)],
    reached,
  );
}

interface MovedMatrices {
  /** Those that follow the budget itself, each shape once. */
  readonly matrices: readonly { readonly shape: MatrixShape; readonly count: number }[];
  /** Packed bytes of the whole model with another budget in the place of its own. */
  readonly bytes: (request: BudgetRequest) => number;
  /** Weights that follow the budget, and the nominal bits of all others. */
  readonly weights: number;
  readonly otherNominalBits: number;
}

function movedMatrices(model: ModelDescription, budget: ModelBudget, form: PlannedForm): MovedMatrices {
  const packed = (shape: MatrixShape, own: Budget): number =>
    totalBytes(plannedMatrixBytes(shape, own, form));
  const moved = new Map<string, { readonly shape: MatrixShape; count: number }>();
  const found = { bytes: 0, weights: 0, nominal: 0 };
  for (const kind of MATRIX_KINDS) {
    const shape = matrixShape(model, kind);
    const weights = shape.rows * shape.columns;
    for (const [own, blocks] of budgetsOfKind(budget, kind, model.blocks)) {
      if (own !== budget.base) {
        found.bytes += blocks.length * packed(shape, own);
        found.nominal += blocks.length * weights * nominalBits(own);
        continue;
      }
      const name = `${shape.rows} ${shape.columns}`;
      const count = (moved.get(name)?.count ?? 0) + blocks.length;
      moved.set(name, { shape, count });
      found.weights += blocks.length * weights;
    }
  }
  const matrices = [...moved.values()];
  return {
    matrices,
    weights: found.weights,
    otherNominalBits: found.nominal,
    bytes: (request) => {
      const own = requestedBudget(request);
      return matrices.reduce((sum, { shape, count }) => sum + count * packed(shape, own), found.bytes);
    },
  };
}

/** Bisection between the special settings, each of which is looked at; sizes ascend between them. */
function steppedSearch(
  settings: readonly BudgetSettings[],
  reached: (request: BudgetRequest) => number,
): Search {
  const hit = (each: BudgetSettings, index: number): SizeHit => {
    const budget = each.request(index);
    return { budget, reached: reached(budget) };
  };
  const special = settings.flatMap((each) => each.special.map((index) => hit(each, index)));
  const range = [
    special.reduce((least, each) => (each.reached < least.reached ? each : least)),
    special.reduce((most, each) => (each.reached > most.reached ? each : most)),
  ] as const;
  const largestWithin = (value: number): SizeHit => {
    let [best] = range;
    const fits = (found: SizeHit): boolean => {
      if (found.reached > value) return false;
      if (found.reached > best.reached) best = found;
      return true;
    };
    for (const found of special) fits(found);
    for (const each of settings) {
      for (const [place, from] of each.special.entries()) {
        let low = from + 1;
        let high = (each.special[place + 1] ?? from) - 1;
        if (low > high || !fits(hit(each, low)) || fits(hit(each, high))) continue;
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (fits(hit(each, middle))) low = middle;
          else high = middle;
        }
      }
    }
    return best;
  };
  return { range, largestWithin };
}

/** Nominal bits do not step: they are those that were asked for. */
function nominalSearch(
  model: ModelDescription,
  request: BudgetRequest,
  { base }: ModelBudget,
  { matrices, weights, otherNominalBits }: MovedMatrices,
  move: Move,
): Search {
  const all = quantizedWeights(model);
  const { precision, reservation } = base;
  const { apWidths } = request;
  const shapes = matrices.map(({ shape }) => shape);
  const reached = (budget: BudgetRequest): number =>
    (weights * nominalBits(requestedBudget(budget)) + otherNominalBits) / all;
  const hit = (budget: BudgetRequest): SizeHit => ({ budget, reached: reached(budget) });
  const needed = (value: number): number => (value * all - otherNominalBits) / weights;
  if (move === 'ap') {
    const [low, high] = apWidths ?? [MIN_WIDTH, MAX_WIDTH];
    const rest = reservationParts(request, reservation);
    const at = (average: number): SizeHit =>
      hit({ apAverage: Math.min(Math.max(average, low), high), ...(apWidths && { apWidths }), ...rest });
    return {
      range: [at(low), at(high)],
      largestWithin: (value) => at(rounded(needed(value) - (reservation?.nominalBits ?? 0))),
    };
  }
  const { count, request: setting } = reservationSettings(shapes, request, precision.average, reservation);
  const range = [hit(setting(0)), hit(setting(count - 1))] as const;
  const most = requestedBudget(range[1].budget).reservation;
  return {
    range,
    largestWithin: (value) => {
      const bits = rounded(needed(value) - precision.average);
      if (bits <= 0 || most === undefined) return range[0];
      const share = bits / most.nominalBits;
      if (share >= 1) return range[1];
      const { orBits, orShares, ...others } = range[1].budget;
      return hit(
        orShares === undefined
          ? { ...others, ...(orBits === undefined ? {} : { orBits: bits }) }
          : { ...others, orShares: [rounded(orShares[0] * share), rounded(orShares[1] * share)] },
      );
    },
  };
}

/** Nine decimals: 2.12 less 0.07 shall be 2.05. */
function rounded(value: number): number {
  return Number(value.toFixed(9));
}

function notMet(
  { kind, value }: SizeTarget,
  move: Move,
  [smallest, largest]: readonly [number, number],
): ClaqError {
  const text = (each: number): string =>
    kind === 'bytes' ? readableBytes(each) : `${Number(each.toFixed(4))} ${kind.replace('-', ' ')}`;
  const below = value < smallest;
  const [slider, other] = move === 'ap' ? ['AP', 'OR'] : ['OR', 'AP'];
  return new ClaqError('budget/cannot-be-met', `${slider} alone does not come to this size`, {
    expected: `from ${text(smallest)} to ${text(largest)}`,
    found: text(value),
    remedy: below
      ? `the nearest is ${text(smallest)}, with the least that ${slider} can be; for less, change ${other} or an override`
      : `the nearest is ${text(largest)}, with the most that ${slider} can be; for more, change ${other} or an override`,
  });
}

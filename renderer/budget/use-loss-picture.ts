import { computed, type ComputedRef } from 'vue';
import type { ModelCard } from '../../shared/library.ts';
import {
  type LossPoint as CurvePoint,
  curveBudgets,
  lossPoints,
  presetBudgets,
  presetPoints,
} from '../../shared/loss-curve.ts';
import type { ModelBudget } from '../../shared/model-budget.ts';
import type { ColumnOrder } from '../../shared/method.ts';
import { requestedModelBudget } from '../../shared/requested-model-budget.ts';
import { type BudgetDraft, choicesOf } from './budget-draft.ts';
import type { LossPicture, LossPoint } from './loss-chart.ts';
import { runScale, runsWords } from './run-points.ts';
import { type Prediction, usePrediction } from './use-prediction.ts';
import { useRunPredictions } from './use-run-predictions.ts';

export interface PredictedPoint extends LossPoint {
  /** As a share of what the loss would be with all weights 0. */
  readonly relative: number;
}

export interface LossPictureState {
  readonly prediction: Prediction;
  /** Of the draft, and of the budget that was kept; undefined where it is not known. */
  readonly current: ComputedRef<PredictedPoint | undefined>;
  readonly kept: ComputedRef<PredictedPoint | undefined>;
  readonly picture: ComputedRef<LossPicture | undefined>;
  /** What is to be said of the runs in the picture. */
  readonly runsNote: ComputedRef<string | undefined>;
}

/** Everything that is drawn of predicted losses, a few thousand sums at each move of a slider. */
export function useLossPicture(
  model: ModelCard,
  draft: () => BudgetDraft,
  kept: () => BudgetDraft | undefined,
): LossPictureState {
  const { description } = model;
  const budgetOf = (of: BudgetDraft): ModelBudget => requestedModelBudget(choicesOf(of), description.blocks);
  const budget = computed(() => budgetOf(draft()));
  const keptBudget = computed(() => {
    const of = kept();
    return of === undefined ? undefined : { budget: budgetOf(of), order: of.columnOrder };
  });
  const presets = presetBudgets();
  const order = computed(() => draft().columnOrder);

  // The average moves along the curve: only the rest of the budget makes another one of it.
  let curveKey = '';
  const curve = computed<readonly ModelBudget[]>((before) => {
    const key = JSON.stringify(curveStart(budget.value));
    if (before !== undefined && key === curveKey) return before;
    curveKey = key;
    return curveBudgets(budget.value);
  });

  const runPredictions = useRunPredictions(model);
  const prediction = usePrediction(
    model,
    () => draft().s,
    () => [
      ...(order.value === 'benefit' ? [budget.value, ...curve.value, ...presets] : []),
      ...(keptBudget.value?.order === 'benefit' ? [keptBudget.value.budget] : []),
      ...runPredictions.byBenefit().map((run) => run.budget),
    ],
  );
  const runs = runPredictions.runs(prediction);

  const pointsOf = (budgets: readonly ModelBudget[], by: ColumnOrder): CurvePoint[] =>
    prediction.source.value === undefined
      ? []
      : lossPoints(prediction.source.value, description, budgets, by);
  const pointOf = (of: ModelBudget, by: ColumnOrder): PredictedPoint | undefined =>
    pointsOf([of], by).map(shown)[0];

  const curvePoints = computed(() => ascending(pointsOf(curve.value, order.value).map(shown)));
  const paper = computed(() =>
    prediction.source.value === undefined
      ? []
      : presetPoints(prediction.source.value, description, order.value).map((point) => ({
          ...shown(point),
          name: String(point.bits),
        })),
  );
  const current = computed(() => pointOf(budget.value, order.value));
  const keptPoint = computed(() =>
    keptBudget.value === undefined ? undefined : pointOf(keptBudget.value.budget, keptBudget.value.order),
  );
  const weighting = computed(() => prediction.source.value?.profile.weighting ?? 'none');

  const picture = computed((): LossPicture | undefined => {
    if (prediction.source.value === undefined) return undefined;
    const scale = runScale(runs.value, weighting.value);
    return {
      quantity: weighting.value === 'calibrated' ? 'Predicted loss' : 'Squared error of the weights',
      curve: curvePoints.value.filter(isAboveZero),
      current: positive(current.value),
      kept: positive(keptPoint.value),
      presets: paper.value.filter(isAboveZero),
      runs: runs.value.map(({ name, storedBits, loss }) => ({ name, bits: storedBits, loss: loss * scale })),
    };
  });
  return {
    prediction,
    current,
    kept: keptPoint,
    picture,
    runsNote: computed(() => runsWords(runs.value, weighting.value)),
  };
}

/** The average on its own curve changes nothing about it. */
function curveStart({ base, overrides }: ModelBudget): unknown {
  const { low, high, average } = base.precision;
  return [low, high, low === high ? average : null, base.reservation, overrides];
}

function shown({ storedBits, loss, relative }: CurvePoint): PredictedPoint {
  return { bits: storedBits, loss, relative };
}

/** At the seams of a curve's widths a wider codebook can cost more than the next average. */
function ascending(points: readonly PredictedPoint[]): PredictedPoint[] {
  return [...points].sort((a, b) => a.bits - b.bits);
}

function isAboveZero({ loss }: LossPoint): boolean {
  return loss > 0;
}

function positive<P extends LossPoint>(point: P | undefined): P | undefined {
  return point !== undefined && isAboveZero(point) ? point : undefined;
}

import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import type { ModelCard } from '../../shared/library.ts';
import type { BenefitBudget, ErrorWeighting } from '../../shared/loss-profile.ts';
import type { ColumnOrder } from '../../shared/method.ts';
import type { ModelBudget } from '../../shared/model-budget.ts';
import { OUTLIER_LEVELS, nearestLevel } from '../../shared/outlier-levels.ts';
import {
  type DecodedBenefitCurves,
  type DecodedLossProfile,
  type LossSource,
  type PredictedLoss,
  benefitBudgets,
  benefitKey,
  decodeBenefitCurves,
  decodeLossProfile,
  predictedLoss,
} from '../../shared/predicted-loss.ts';
import { service } from '../api/service.ts';
import type { ShownError } from '../api/shown-error.ts';
import { useChangesOf } from '../api/use-changes-of.ts';
import { useSettled } from './use-settled.ts';

/** Curves by benefit that are kept, 120 kB each with 7 billion weights; the call takes 64 at once. */
const CURVES_KEPT = 192;
const CURVES_ASKED = 64;

interface KnownCurves {
  readonly weighting: ErrorWeighting;
  readonly curves: DecodedBenefitCurves;
}

export interface Prediction {
  /** Undefined before the service has told; `none` where the model is not analysed. */
  readonly state: ComputedRef<'none' | 'there' | undefined>;
  /** S that the profile in sight is for, and whether it is the draft's. */
  readonly shownS: ComputedRef<number | undefined>;
  readonly isStale: ComputedRef<boolean>;
  readonly source: ComputedRef<LossSource | undefined>;
  /** Of a budget under an order; undefined where it is not known, or not yet. */
  readonly predict: (budget: ModelBudget, order: ColumnOrder) => PredictedLoss | undefined;
  readonly error: ComputedRef<ShownError | null>;
  readonly renew: () => void;
}

/**
 * What predicting needs of a model: the profile at S, and the curves by benefit of the budgets in sight. Both are asked for when
 * a slider rests; meanwhile what is known stays.
 * @param byBenefit budgets that are looked at under the order by benefit
 */
export function usePrediction(
  { id, description }: ModelCard,
  s: () => number,
  byBenefit: () => readonly ModelBudget[],
): Prediction {
  const level = computed(() => OUTLIER_LEVELS[nearestLevel(s())] ?? s());
  const profiles = useSettled(
    () => level.value,
    async (asked, signal): Promise<DecodedLossProfile | null> => {
      const profile = await service.budgets.profile({ id, s: asked }, { signal });
      return profile === null ? null : decodeLossProfile(profile);
    },
  );
  const profile = computed(() => profiles.shown.value?.answer ?? undefined);

  const known: ShallowRef<KnownCurves> = shallowRef({ weighting: 'none', curves: new Map() });
  /** Beside a profile of another weighting they would be of another unit. */
  const curves = computed((): DecodedBenefitCurves | undefined =>
    known.value.weighting === profile.value?.weighting ? known.value.curves : undefined,
  );
  const needed = computed(() => benefitBudgets(byBenefit()));
  const missing = useSettled(
    (): readonly BenefitBudget[] | undefined => {
      if (profile.value === undefined) return undefined;
      const asked = needed.value.filter((budget) => curves.value?.has(benefitKey(budget)) !== true);
      if (asked.length === 0) return undefined;
      // A curve takes half a second with 7 billion weights: the figures of the budget itself do not wait for the picture's.
      return asked[0] === needed.value[0] ? asked.slice(0, 1) : asked.slice(0, CURVES_ASKED);
    },
    async (asked, signal) => {
      const budgets = [...asked];
      const found = await service.budgets.benefit({ id, budgets }, { signal });
      return found === null
        ? undefined
        : { weighting: found.weighting, curves: decodeBenefitCurves(budgets, found) };
    },
    // Curves are kept by budget, whichever question brought them.
    0,
  );
  watch(missing.shown, (one) => {
    if (one?.answer === undefined) return;
    const { weighting, curves: found } = one.answer;
    const before = known.value.weighting === weighting ? known.value.curves : [];
    known.value = { weighting, curves: new Map([...before, ...found].slice(-CURVES_KEPT)) };
    // A calibration came between the two answers.
    if (profile.value !== undefined && profile.value.weighting !== weighting) profiles.renew();
  });

  function renew(): void {
    known.value = { weighting: 'none', curves: new Map() };
    profiles.renew();
    missing.renew();
  }
  useChangesOf('statistics', renew);

  const source = computed((): LossSource | undefined =>
    profile.value === undefined ? undefined : { profile: profile.value, benefit: curves.value },
  );
  return {
    state: computed(() => {
      const shown = profiles.shown.value;
      if (shown === undefined) return undefined;
      return shown.answer === null ? 'none' : 'there';
    }),
    shownS: computed(() => profiles.shown.value?.question),
    isStale: computed(() => profiles.shown.value?.question !== level.value),
    source,
    predict: (budget, order) =>
      source.value === undefined ? undefined : predictedLoss(source.value, description, budget, order),
    error: computed(() => profiles.error.value ?? missing.error.value),
    renew,
  };
}

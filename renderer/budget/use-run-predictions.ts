import { computed, type ComputedRef } from 'vue';
import type { ModelCard } from '../../shared/library.ts';
import { decodeLossProfile, predictedLoss } from '../../shared/predicted-loss.ts';
import { service } from '../api/service.ts';
import type { PredictedRun } from './run-points.ts';
import { useChangesOf } from '../api/use-changes-of.ts';
import { type CompleteRun, useCompleteRuns } from './use-complete-runs.ts';
import type { Prediction } from './use-prediction.ts';
import { useSettled } from './use-settled.ts';

export interface RunPredictions {
  /** Budgets that curves by benefit are needed for. */
  readonly byBenefit: () => readonly CompleteRun[];
  /** Runs of which both losses are known. */
  readonly runs: (prediction: Prediction) => ComputedRef<readonly PredictedRun[]>;
}

/** What would have been predicted of the model's complete runs, each at its own S. */
export function useRunPredictions(model: ModelCard): RunPredictions {
  const complete = useCompleteRuns(model);
  const inOrder = computed(() => complete().filter(({ order }) => order === 'outlier'));
  const found = useSettled(
    () => (inOrder.value.length === 0 ? undefined : inOrder.value.map(({ name, s }) => ({ name, s }))),
    (_, signal) => predictInOrder(inOrder.value, signal),
    1,
  );
  useChangesOf('statistics', () => found.renew());

  /** A profile at a time: one has 2 MB with 7 billion weights. */
  async function predictInOrder(
    runs: readonly CompleteRun[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const totals = new Map<string, number>();
    for (const s of new Set(runs.map((run) => run.s))) {
      const profile = await service.budgets.profile({ id: model.id, s }, { signal });
      if (profile === null) break;
      const source = { profile: decodeLossProfile(profile) };
      for (const run of runs) {
        if (run.s !== s) continue;
        const loss = predictedLoss(source, model.description, run.budget, 'outlier');
        if (loss !== undefined) totals.set(run.name, loss.total);
      }
    }
    return totals;
  }

  const byBenefit = (): readonly CompleteRun[] => complete().filter(({ order }) => order === 'benefit');
  return {
    byBenefit,
    runs: (prediction) =>
      computed(() => {
        const totals = found.shown.value?.answer;
        return complete().flatMap((run) => {
          const predicted =
            run.order === 'outlier'
              ? totals?.get(run.name)
              : prediction.predict(run.budget, 'benefit')?.total;
          if (predicted === undefined || prediction.source.value === undefined) return [];
          const { name, storedBits, loss } = run;
          return [{ name, storedBits, loss, predicted }];
        });
      }),
  };
}

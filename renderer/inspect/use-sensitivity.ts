import { computed, type ComputedRef } from 'vue';
import type { Activity } from '../../shared/activity.ts';
import type { ModelId } from '../../shared/library.ts';
import type { ModelSensitivity } from '../../shared/sensitivity.ts';
import { useActivities } from '../api/activities-store.ts';
import { service } from '../api/service.ts';
import type { ShownError } from '../api/shown-error.ts';
import { type Action, type Fetched, useAction, useFetched } from '../api/use-call.ts';
import { useChangesOf } from '../api/use-changes-of.ts';

export interface SensitivityState {
  /** Null where it is not measured. */
  readonly known: Fetched<ModelSensitivity | null>;
  /** What measures now. */
  readonly activity: ComputedRef<Activity | undefined>;
  /** Why measuring could not begin, or did not end well. */
  readonly failure: ComputedRef<ShownError | null>;
  readonly measure: Action<[], unknown>;
  readonly cancel: Action<[], unknown>;
}

/** What is known of a model's sensitivity, and how it is measured. */
export function useSensitivity(id: ModelId): SensitivityState {
  const activities = useActivities();
  const known = useFetched(() => service.models.sensitivity({ id }));
  useChangesOf('statistics', () => void known.refresh());

  const isOwn = ({ kind, modelId }: Activity): boolean => kind === 'sensitivity' && modelId === id;
  const activity = computed(() => activities.goingOn.find(isOwn));
  const failed = computed(() => activities.activities.find((each) => isOwn(each) && each.state === 'failed'));
  const measure = useAction(async () => {
    // A failure that was seen makes place for the next attempt.
    if (failed.value !== undefined) await activities.dismiss(failed.value.id);
    return service.models.measureSensitivity({ id });
  });
  const cancel = useAction(async () => {
    if (activity.value !== undefined) await activities.cancel(activity.value.id);
  });
  const failure = computed(() => measure.error.value ?? failed.value?.error ?? null);
  return { known, activity, failure, measure, cancel };
}

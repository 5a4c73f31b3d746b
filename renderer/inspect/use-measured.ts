import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue';
import type { Activity } from '../../shared/activity.ts';
import type { ModelCard } from '../../shared/library.ts';
import { useActivities } from '../api/activities-store.ts';
import { service } from '../api/service.ts';
import type { ShownError } from '../api/shown-error.ts';
import { useAction, type Action } from '../api/use-call.ts';
import { useWatch, type Watched } from '../api/use-watch.ts';
import { applyStatistics, type Measured } from './measured.ts';

export interface MeasuredState {
  /** Undefined until the first event. */
  readonly measured: ShallowRef<Measured | undefined>;
  readonly stream: Watched;
  /** What measures now. */
  readonly activity: ComputedRef<Activity | undefined>;
  /** Why measuring could not begin, or did not end well. */
  readonly failure: ComputedRef<ShownError | null>;
  readonly isComplete: ComputedRef<boolean>;
  readonly measure: Action<[], unknown>;
  readonly cancel: Action<[], unknown>;
}

/** Weights of up to this many bytes are measured without a question: it takes a few seconds. */
const AT_ONCE_BYTES = 2e9;

/** What is measured of a model, while it is and after. */
export function useMeasured(model: ModelCard): MeasuredState {
  const { id } = model;
  const activities = useActivities();
  const measured: MeasuredState['measured'] = shallowRef();

  const measure = useAction(async () => {
    // A failure that was seen makes place for the next attempt.
    const before = failed.value;
    if (before !== undefined) await activities.dismiss(before.id);
    return service.statistics.measure({ id });
  });
  const cancel = useAction(async () => {
    const running = measured.value?.measuring ?? null;
    if (running !== null) await activities.cancel(running);
  });
  const stream = useWatch(
    (signal) => service.statistics.watch({ id }, { signal }),
    (events) => {
      measured.value = applyStatistics(measured.value, events);
    },
  );

  const activity = computed(() => {
    const running = measured.value?.measuring ?? null;
    return running === null ? undefined : activities.byId.get(running);
  });
  const isComplete = computed(() => {
    const told = measured.value;
    return told !== undefined && told.total > 0 && told.matrices.length >= told.total;
  });
  const failed = computed(() =>
    activities.activities.find(
      ({ kind, modelId, state }) => kind === 'measure' && modelId === id && state === 'failed',
    ),
  );
  const failure = computed(
    () => measure.error.value ?? (isComplete.value ? null : (failed.value?.error ?? null)),
  );

  // Once, and not again what was cancelled or has failed.
  const end = watch(
    measured,
    (told) => {
      if (told === undefined) return;
      const isUntouched = told.measuring === null && told.matrices.length === 0 && failed.value === undefined;
      if (isUntouched && !model.missing && model.bytes < AT_ONCE_BYTES) void measure.run();
      queueMicrotask(() => end());
    },
    { flush: 'sync' },
  );
  return { measured, stream, activity, failure, isComplete, measure, cancel };
}

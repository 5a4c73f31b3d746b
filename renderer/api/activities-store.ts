import { defineStore } from 'pinia';
import { computed, shallowRef } from 'vue';
import type { Activity, ActivityId } from '../../shared/activity.ts';
import { service } from './service.ts';
import { useWatch } from './use-watch.ts';

const GOING_ON: ReadonlySet<Activity['state']> = new Set<Activity['state']>([
  'waiting',
  'running',
  'stopping',
]);

/** The long things that go on, or ended and were not dismissed yet. */
export const useActivities = defineStore('activities', () => {
  const activities = shallowRef<readonly Activity[]>([]);
  useWatch(
    (signal) => service.activities.watch(undefined, { signal }),
    (lists) => {
      activities.value = lists.at(-1) ?? [];
    },
  );
  const goingOn = computed(() => activities.value.filter(({ state }) => GOING_ON.has(state)));
  const byId = computed(
    (): ReadonlyMap<ActivityId, Activity> =>
      new Map(activities.value.map((activity) => [activity.id, activity])),
  );
  return {
    activities,
    goingOn,
    byId,
    cancel: (id: ActivityId) => service.activities.cancel({ id }),
    dismiss: (id: ActivityId) => service.activities.dismiss({ id }),
  };
});

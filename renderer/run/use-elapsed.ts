import { computed, shallowRef, watchEffect, type ComputedRef } from 'vue';
import { readableDuration } from '../../shared/readable-quantities.ts';
import type { RunCard } from '../../shared/runs.ts';

/** How long ago the run's present session began; null where none has, or it has ended. */
export function useElapsed(
  run: () => Pick<RunCard, 'state' | 'startedAt' | 'endedAt'>,
): ComputedRef<string | null> {
  const now = shallowRef(Date.now());
  watchEffect((onCleanup) => {
    if (run().startedAt === null || run().endedAt !== null) return;
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    onCleanup(() => clearInterval(timer));
  });
  return computed(() => {
    const { startedAt, endedAt } = run();
    if (startedAt === null) return null;
    const end = endedAt === null ? now.value : Date.parse(endedAt);
    return readableDuration(Math.max(0, (end - Date.parse(startedAt)) / 1000));
  });
}

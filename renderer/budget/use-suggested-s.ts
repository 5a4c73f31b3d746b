import { computed, shallowRef, type ComputedRef } from 'vue';
import type { ModelCard } from '../../shared/library.ts';
import { service } from '../api/service.ts';
import { useWatch } from '../api/use-watch.ts';
import { applyStatistics, type Measured } from '../inspect/measured.ts';
import { type SuggestedS, suggestionOf } from './suggestion.ts';

/** Undefined before the service has told; null as long as not all columns of the model are measured. */
export function useSuggestedS({ id }: ModelCard): ComputedRef<SuggestedS | null | undefined> {
  const measured = shallowRef<Measured>();
  useWatch(
    (signal) => service.statistics.watch({ id }, { signal }),
    (events) => {
      measured.value = applyStatistics(measured.value, events);
    },
  );
  return computed(() => (measured.value === undefined ? undefined : suggestionOf(measured.value)));
}

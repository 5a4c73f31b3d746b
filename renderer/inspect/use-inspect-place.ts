import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { type InspectPlace, placeOf, queryOf } from './inspect-place.ts';

export interface PlaceState {
  readonly place: ShallowRef<InspectPlace>;
  /** Another place to come back to: opening a matrix. */
  readonly open: (change: Partial<InspectPlace>) => void;
  /** The same place seen otherwise: moving a slider. */
  readonly adjust: (change: Partial<InspectPlace>) => void;
}

/** Milliseconds without a change after which the address follows: browsers count changes of it, and stop at 200 in half a minute. */
const SETTLES = 250;

/** Keeps the place in the address, so that back, forward and reload work. */
export function useInspectPlace(layers: () => number): PlaceState {
  const route = useRoute();
  const router = useRouter();
  const path = route.path;
  const place = shallowRef(placeOf(route.query, layers()));
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    () => route.query,
    (query) => {
      // The route of the next screen is told before this one has gone.
      if (route.path !== path) return;
      clearTimeout(timer);
      place.value = placeOf(query, layers());
    },
  );

  function adjust(change: Partial<InspectPlace>): void {
    place.value = { ...place.value, ...change };
    clearTimeout(timer);
    timer = setTimeout(() => void router.replace({ query: queryOf(place.value) }), SETTLES);
  }

  function open(change: Partial<InspectPlace>): void {
    clearTimeout(timer);
    place.value = { ...place.value, ...change };
    void router.push({ query: queryOf(place.value) });
  }

  onScopeDispose(() => clearTimeout(timer));
  return { place, open, adjust };
}

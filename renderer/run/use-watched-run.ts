import { shallowRef, type ShallowRef } from 'vue';
import type { RunId } from '../../shared/runs.ts';
import { service } from '../api/service.ts';
import { useWatch, type Watched } from '../api/use-watch.ts';
import { applyEvents, type WatchedRun } from './watched-run.ts';

export interface WatchedRunState extends Watched {
  /** Undefined until the first event. */
  readonly watched: ShallowRef<WatchedRun | undefined>;
}

/** Follows a run for as long as the component is there; drawn once a frame, however much comes. */
export function useWatchedRun(id: RunId): WatchedRunState {
  const watched: ShallowRef<WatchedRun | undefined> = shallowRef();
  const stream = useWatch(
    (signal) => service.runs.watch({ id }, { signal }),
    (events) => {
      watched.value = applyEvents(watched.value, events, Date.now());
    },
  );
  return { watched, ...stream };
}

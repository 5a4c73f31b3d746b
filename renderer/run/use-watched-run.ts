import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import type { RunEvent, RunId } from '../../shared/runs.ts';
import { service } from '../api/service.ts';
import { useWatch, type Watched } from '../api/use-watch.ts';
import { applyEvents, type WatchedRun } from './watched-run.ts';

export interface WatchedRunState extends Watched {
  /** Undefined until the first event. */
  readonly watched: ShallowRef<WatchedRun | undefined>;
}

/** Milliseconds between two changes of what is shown: figures that change faster cannot be read, and frames are left for the rest. */
const SHOW_EVERY = 100;

/** Follows a run for as long as the component is there. However much comes, it is taken in ten times a second at most. */
export function useWatchedRun(id: RunId): WatchedRunState {
  const watched: ShallowRef<WatchedRun | undefined> = shallowRef();
  let waiting: RunEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastShown = -Infinity;

  function show(): void {
    timer = undefined;
    lastShown = performance.now();
    watched.value = applyEvents(watched.value, waiting, Date.now());
    waiting = [];
  }

  const stream = useWatch(
    (signal) => service.runs.watch({ id }, { signal }),
    (events) => {
      waiting.push(...events);
      if (timer !== undefined) return;
      const wait = lastShown + SHOW_EVERY - performance.now();
      if (wait <= 0) show();
      else timer = setTimeout(show, wait);
    },
  );
  onScopeDispose(() => clearTimeout(timer));
  return { watched, ...stream };
}

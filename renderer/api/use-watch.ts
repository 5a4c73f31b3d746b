/** A subscription of a component: ends with it, begins anew with each line to the service, delivers once a frame. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { Connection } from './connection.ts';
import { frameBatch } from './frame-batch.ts';
import { connection as serviceConnection } from './service.ts';
import { shownError, type ShownError } from './shown-error.ts';

export interface Watched {
  /** `waiting` until the first event, and while the connection is lost. */
  readonly state: ShallowRef<'waiting' | 'live' | 'ended' | 'failed'>;
  readonly error: ShallowRef<ShownError | null>;
  /** Ends it before the component does. */
  readonly stop: () => void;
}

/**
 * @param open opens the stream: `(signal) => service.runs.watch({ id }, { signal })`
 * @param deliver gets the events of a frame, oldest first
 * @param onOpen called whenever the stream was opened, before its first event
 * @param connection the line that it comes over; the service's, where none is named
 */
export function useWatch<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  deliver: (events: readonly T[]) => void,
  onOpen: () => void = () => undefined,
  connection: Connection = serviceConnection,
): Watched {
  const state: Watched['state'] = shallowRef('waiting');
  const error = shallowRef<ShownError | null>(null);
  let controller = new AbortController();
  const batch = frameBatch(deliver, nextFrame);

  async function follow(signal: AbortSignal): Promise<void> {
    const isOver = (): boolean => signal.aborted;
    try {
      const events = await open(signal);
      if (isOver()) return;
      onOpen();
      for await (const event of events) {
        if (isOver()) return;
        state.value = 'live';
        batch.add(event);
      }
      state.value = 'ended';
    } catch (thrown) {
      // What a lost connection ends begins anew with the next one.
      if (isOver() || connection.state.value !== 'open') return;
      error.value = shownError(thrown);
      state.value = 'failed';
    }
  }

  function stop(): void {
    controller.abort();
    stopWatching();
    batch.clear();
  }

  const stopWatching = watch(
    [connection.openings, connection.state],
    ([openings, line], [before]) => {
      if (line !== 'open') {
        controller.abort();
        if (state.value === 'live') state.value = 'waiting';
        return;
      }
      if (openings === before) return;
      controller.abort();
      controller = new AbortController();
      error.value = null;
      state.value = 'waiting';
      void follow(controller.signal);
    },
    { immediate: true, flush: 'sync' },
  );
  onScopeDispose(stop);
  return { state, error, stop };
}

/** Milliseconds after which a hidden window, which is given no frames, gets its events all the same. */
const HIDDEN_INTERVAL = 500;

function nextFrame(callback: () => void): () => void {
  const cancel = (): void => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
  const once = (): void => {
    cancel();
    callback();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_INTERVAL);
  return cancel;
}

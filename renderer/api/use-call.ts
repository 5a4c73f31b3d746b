/** Calls of the service as a screen's state: loading, failed, there. */
import { shallowRef, watch, type ShallowRef } from 'vue';
import { connection } from './service.ts';
import { shownError, type ShownError } from './shown-error.ts';

export interface Fetched<T> {
  /** Undefined before the first answer; stays while it is fetched again. */
  readonly value: ShallowRef<T | undefined>;
  readonly error: ShallowRef<ShownError | null>;
  readonly isPending: ShallowRef<boolean>;
  /** Fetches again. Calls during a fetch become one more fetch behind it. */
  readonly refresh: () => Promise<void>;
}

/** Fetches now, whenever `refresh` is called, and whenever the connection is there again. */
export function useFetched<T>(fetch: () => Promise<T>): Fetched<T> {
  const value: ShallowRef<T | undefined> = shallowRef();
  const error = shallowRef<ShownError | null>(null);
  const isPending = shallowRef(false);
  let again: Promise<void> | undefined;
  let current: Promise<void> | undefined;

  async function once(): Promise<void> {
    isPending.value = true;
    try {
      value.value = await fetch();
      error.value = null;
    } catch (thrown) {
      error.value = shownError(thrown);
    } finally {
      isPending.value = false;
      current = undefined;
    }
  }

  function refresh(): Promise<void> {
    if (current === undefined) return (current = once());
    again ??= current.then(() => {
      again = undefined;
      return refresh();
    });
    return again;
  }

  watch(
    connection.openings,
    (openings) => {
      // The first fetch waits for the first line, unless that took too long.
      if (openings > 1 || error.value !== null) void refresh();
    },
    { flush: 'sync' },
  );
  void refresh();
  return { value, error, isPending, refresh };
}

export interface Action<A extends unknown[], T> {
  /** Undefined where it failed: `error` says why. */
  readonly run: (...args: A) => Promise<T | undefined>;
  readonly error: ShallowRef<ShownError | null>;
  readonly isPending: ShallowRef<boolean>;
}

/** Something that the user does; a second click while it goes on does nothing. */
export function useAction<A extends unknown[], T>(act: (...args: A) => Promise<T>): Action<A, T> {
  const error = shallowRef<ShownError | null>(null);
  const isPending = shallowRef(false);
  async function run(...args: A): Promise<T | undefined> {
    if (isPending.value) return undefined;
    isPending.value = true;
    error.value = null;
    try {
      return await act(...args);
    } catch (thrown) {
      error.value = shownError(thrown);
      return undefined;
    } finally {
      isPending.value = false;
    }
  }
  return { run, error, isPending };
}

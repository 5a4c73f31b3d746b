import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { Preflight } from '../../shared/preflight.ts';
import type { RunRequest } from '../../shared/runs.ts';
import { service } from '../api/service.ts';
import { shownError, type ShownError } from '../api/shown-error.ts';

/** Milliseconds without a change before the service is asked: who types a number means its last digit. */
const QUIET = 250;

export interface PreflightState {
  /** The latest answer; stays, while the next one comes, and is then out of date. */
  readonly preflight: ShallowRef<Preflight | undefined>;
  readonly error: ShallowRef<ShownError | null>;
  /** Whether what is shown belongs to an earlier request. */
  readonly isStale: ShallowRef<boolean>;
  readonly retry: () => void;
}

/**
 * Asks what a run would take whenever the request is another one. A question that is out of date is called off.
 * @param request undefined where there is nothing to ask: a field is wrong
 */
export function usePreflight(request: () => RunRequest | undefined): PreflightState {
  const preflight: PreflightState['preflight'] = shallowRef();
  const error: PreflightState['error'] = shallowRef(null);
  const isStale = shallowRef(true);
  let controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(asked: RunRequest, signal: AbortSignal): Promise<void> {
    try {
      const answer = await service.runs.preflight(asked, { signal });
      if (signal.aborted) return;
      preflight.value = answer;
      error.value = null;
      isStale.value = false;
    } catch (thrown) {
      if (!signal.aborted) error.value = shownError(thrown);
    }
  }

  function begin(wait: number): void {
    controller.abort();
    clearTimeout(timer);
    isStale.value = true;
    const asked = request();
    if (asked === undefined) return;
    controller = new AbortController();
    const { signal } = controller;
    timer = setTimeout(() => void ask(asked, signal), wait);
  }

  // By its text: a request that says the same is the same.
  watch(
    () => JSON.stringify(request()),
    () => begin(QUIET),
  );
  begin(0);
  onScopeDispose(() => {
    controller.abort();
    clearTimeout(timer);
  });
  return { preflight, error, isStale, retry: () => begin(0) };
}

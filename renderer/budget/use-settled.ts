/** Answers of the service to what a slider asks: asked when it rests, with the last answer shown meanwhile. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { connection } from '../api/service.ts';
import { shownError, type ShownError } from '../api/shown-error.ts';
import { RecentAnswers } from './recent-answers.ts';

export interface Settled<Q, A> {
  /** The latest answer with its question: while another one is awaited, that of before. */
  readonly shown: ShallowRef<{ readonly question: Q; readonly answer: A } | undefined>;
  readonly error: ShallowRef<ShownError | null>;
  /** Forgets all answers, and asks again. */
  readonly renew: () => void;
}

/** Milliseconds that a slider rests before the service is asked. */
const REST = 80;

/**
 * @param question plain data, compared by its text; undefined where there is nothing to ask
 * @param kept answers that are kept
 */
export function useSettled<Q, A>(
  question: () => Q | undefined,
  ask: (question: Q, signal: AbortSignal) => Promise<A>,
  kept = 4,
): Settled<Q, A> {
  const shown: Settled<Q, A>['shown'] = shallowRef();
  const error: Settled<Q, A>['error'] = shallowRef(null);
  const known = new RecentAnswers<string, { readonly question: Q; readonly answer: A }>(kept);
  let controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function fetch(asked: Q, key: string, signal: AbortSignal): Promise<void> {
    try {
      const one = { question: asked, answer: await ask(asked, signal) };
      if (signal.aborted) return;
      known.set(key, one);
      shown.value = one;
      error.value = null;
    } catch (thrown) {
      if (!signal.aborted) error.value = shownError(thrown);
    }
  }

  function update(wait: number): void {
    controller.abort();
    clearTimeout(timer);
    const asked = question();
    if (asked === undefined) return;
    const key = JSON.stringify(asked);
    const before = known.get(key);
    if (before !== undefined) {
      shown.value = before;
      error.value = null;
      return;
    }
    controller = new AbortController();
    const { signal } = controller;
    timer = setTimeout(() => void fetch(asked, key, signal), wait);
  }

  function renew(): void {
    known.clear();
    update(0);
  }

  watch(
    () => JSON.stringify(question()),
    () => update(REST),
  );
  watch(connection.openings, (openings) => {
    if (openings > 1 && error.value !== null) renew();
  });
  update(0);
  onScopeDispose(() => {
    controller.abort();
    clearTimeout(timer);
  });
  return { shown, error, renew };
}

/** Answers of the service to questions that change: the latest counts, and what was asked before is kept for a while. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import { connection } from '../api/service.ts';
import { shownError, type ShownError } from '../api/shown-error.ts';

export interface Answers<T> {
  /** By question, in the order of the questions; undefined where the answer is not there yet. */
  readonly values: ShallowRef<readonly (T | undefined)[]>;
  /** Of the first question that failed. */
  readonly error: ShallowRef<ShownError | null>;
  /** Asks again; what is shown stays until the answers are there. */
  readonly retry: () => void;
}

/** Answers that are kept beside those that are shown. */
const KEPT = 16;

/**
 * @param questions plain data, compared by its text; an answer that is not asked for any more is left out
 */
export function useAnswers<Q, T>(
  questions: () => readonly Q[],
  ask: (question: Q, signal: AbortSignal) => Promise<T>,
): Answers<T> {
  const values: Answers<T>['values'] = shallowRef([]);
  const error: Answers<T>['error'] = shallowRef(null);
  const known = new Map<string, T>();
  const open = new Map<string, AbortController>();

  function show(): void {
    values.value = questions().map((question) => known.get(JSON.stringify(question)));
  }

  async function fetch(question: Q, key: string): Promise<void> {
    const controller = new AbortController();
    open.set(key, controller);
    try {
      const answer = await ask(question, controller.signal);
      if (controller.signal.aborted) return;
      known.set(key, answer);
    } catch (thrown) {
      if (controller.signal.aborted) return;
      error.value = shownError(thrown);
    }
    open.delete(key);
    show();
  }

  function update(): void {
    const asked = new Map(questions().map((question) => [JSON.stringify(question), question]));
    for (const [key, controller] of open) {
      if (asked.has(key)) continue;
      controller.abort();
      open.delete(key);
    }
    for (const key of known.keys()) {
      if (known.size <= KEPT + asked.size) break;
      if (!asked.has(key)) known.delete(key);
    }
    error.value = null;
    for (const [key, question] of asked) {
      if (!known.has(key) && !open.has(key)) void fetch(question, key);
    }
    show();
  }

  function retry(): void {
    for (const controller of open.values()) controller.abort();
    open.clear();
    const asked = new Map(questions().map((question) => [JSON.stringify(question), question]));
    for (const key of known.keys()) if (!asked.has(key)) known.delete(key);
    error.value = null;
    for (const [key, question] of asked) void fetch(question, key);
  }

  watch(() => JSON.stringify(questions()), update, { immediate: true });
  watch(connection.openings, (openings) => {
    if (openings > 1 && error.value !== null) update();
  });
  onScopeDispose(() => {
    for (const controller of open.values()) controller.abort();
  });
  return { values, error, retry };
}

export interface Answer<T> {
  /** Of the question that was answered last: stays while the next one is asked. */
  readonly value: ShallowRef<T | undefined>;
  readonly error: Answers<T>['error'];
  readonly retry: () => void;
}

/** One question at a time; undefined asks nothing. What was shown stays until the next answer is there. */
export function useAnswer<Q, T>(
  question: () => Q | undefined,
  ask: (question: Q, signal: AbortSignal) => Promise<T>,
): Answer<T> {
  const questions = (): readonly Q[] => {
    const one = question();
    return one === undefined ? [] : [one];
  };
  const { values, error, retry } = useAnswers(questions, ask);
  const value: Answer<T>['value'] = shallowRef();
  watch(
    values,
    ([latest]) => {
      if (latest !== undefined) value.value = latest;
    },
    { immediate: true },
  );
  return { value, error, retry };
}

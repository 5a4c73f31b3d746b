/** What was, what is, and what was taken back: plain values, so that undoing is a step in an array. */
export interface History<T> {
  /** Oldest first. */
  readonly past: readonly T[];
  readonly present: T;
  /** Next first. */
  readonly future: readonly T[];
}

/** Nobody goes further back, and a draft with all its overrides takes some kilobytes. */
const MAX_STEPS = 200;

export function historyOf<T>(present: T): History<T> {
  return { past: [], present, future: [] };
}

/** A step: what was taken back before it is gone. A value that is the same is no step. */
export function stepped<T>(history: History<T>, value: T, isSame: (a: T, b: T) => boolean): History<T> {
  if (isSame(history.present, value)) return history;
  return { past: [...history.past, history.present].slice(-MAX_STEPS), present: value, future: [] };
}

export function undone<T>(history: History<T>): History<T> {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return {
    past: history.past.slice(0, -1),
    present: before,
    future: [history.present, ...history.future],
  };
}

export function redone<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.present], present: next, future };
}

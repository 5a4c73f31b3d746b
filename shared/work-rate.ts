/** Seconds over which the rate forgets: long enough to be calm, short enough to notice a slower second half. */
const MEMORY_SECONDS = 15;

export interface WorkRate {
  /** Tells how much of the work is done at a time in seconds; times never go back. */
  record(done: number, seconds: number): void;
  /** Units of work a second; undefined before any work was seen. */
  perSecond(): number | undefined;
}

/**
 * The smoothed rate of some work: work and time both fade exponentially, and their quotient needs no correction for
 * the short history at the start.
 */
export function workRate(startSeconds: number): WorkRate {
  let lastDone = 0;
  let lastSeconds = startSeconds;
  let work = 0;
  let time = 0;
  return {
    record(done, seconds) {
      if (done <= lastDone) return;
      const elapsed = seconds - lastSeconds;
      const fade = Math.exp(-elapsed / MEMORY_SECONDS);
      work = work * fade + (done - lastDone);
      time = time * fade + elapsed;
      lastDone = done;
      lastSeconds = seconds;
    },
    perSecond: () => (work > 0 && time > 0 ? work / time : undefined),
  };
}

/** How often something that dies is started again, and how soon. */
export interface RestartLimits {
  /** Starts in a window of time; one more death in it is the last. */
  readonly times: number;
  readonly windowMilliseconds: number;
  /** Before the first start again; before the second it is twice as long, and so on. */
  readonly delayMilliseconds: number;
}

export class RestartPolicy {
  readonly #limits: RestartLimits;
  readonly #now: () => number;
  #starts: number[] = [];

  /** @param now milliseconds of a clock that does not go back */
  constructor(limits: RestartLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Milliseconds to wait before it is started again; undefined where it is not. */
  next(): number | undefined {
    const { times, windowMilliseconds, delayMilliseconds } = this.#limits;
    const now = this.#now();
    this.#starts = this.#starts.filter((start) => now - start < windowMilliseconds);
    if (this.#starts.length >= times) return undefined;
    this.#starts.push(now);
    return delayMilliseconds * this.#starts.length;
  }

  /** Forgets what was: somebody asked for another start. */
  reset(): void {
    this.#starts = [];
  }
}

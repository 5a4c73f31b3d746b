import { unlessCancelled } from './unless-cancelled.ts';

/** What is one task's at a time: the others wait for each other here, and are not refused. */
export class Turn {
  #busy: Promise<unknown> | undefined;

  get free(): boolean {
    return this.#busy === undefined;
  }

  /**
   * Does the work when its turn has come, in the order of asking. What is called off before waits no longer, and throws ClaqError
   * run/cancelled.
   */
  async take<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#busy;
    const done = Promise.withResolvers<undefined>();
    this.#busy = done.promise;
    const leave = (): void => {
      done.resolve(undefined);
      if (this.#busy === done.promise) this.#busy = undefined;
    };
    try {
      await unlessCancelled(before, signal);
    } catch (error) {
      // Those behind still wait for whoever is at work.
      void Promise.resolve(before).then(leave);
      throw error;
    }
    try {
      return await work();
    } finally {
      leave();
    }
  }
}

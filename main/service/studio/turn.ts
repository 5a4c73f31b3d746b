/** What is one task's at a time: the others wait for each other here, and are not refused. */
export class Turn {
  #busy: Promise<unknown> | undefined;

  get free(): boolean {
    return this.#busy === undefined;
  }

  /** Does the work when its turn has come, in the order of asking. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#busy;
    const done = Promise.withResolvers<undefined>();
    this.#busy = done.promise;
    try {
      await before;
      return await work();
    } finally {
      done.resolve(undefined);
      if (this.#busy === done.promise) this.#busy = undefined;
    }
  }
}

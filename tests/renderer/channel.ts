/** Values sent to everyone who listens, each from when it began to. */
export class Channel<T> {
  readonly #listeners = new Set<(value: T) => void>();

  send(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }

  /** First the given ones, then what is sent, until the signal. */
  async *listen(first: readonly T[], signal: AbortSignal | undefined): AsyncGenerator<T, undefined> {
    const waiting = [...first];
    let wake: () => void = () => undefined;
    const listener = (value: T): void => {
      waiting.push(value);
      wake();
    };
    const end = (): void => wake();
    this.#listeners.add(listener);
    signal?.addEventListener('abort', end);
    try {
      while (signal?.aborted !== true) {
        yield* waiting.splice(0);
        if (waiting.length > 0) continue;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return undefined;
    } finally {
      signal?.removeEventListener('abort', end);
      this.#listeners.delete(listener);
    }
  }
}

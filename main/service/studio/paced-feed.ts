import { setTimeout as delay } from 'node:timers/promises';

/** Time between two messages to one listener: a screen draws 60 times a second, and more would only be thrown away. */
export const FEED_INTERVAL_MS = 16;

/**
 * What one listener has not been told yet. Whoever has news says so as often as it likes; the listener takes what has come
 * together since it last looked, so that a slow one falls behind by nothing but time.
 */
export class PacedFeed<T> {
  readonly #take: () => readonly T[];
  #news = Promise.withResolvers<undefined>();
  #ended = false;

  /** @param take gives what is new since it was last called, and forgets it */
  constructor(take: () => readonly T[]) {
    this.#take = take;
  }

  /** There is something new. */
  wake(): void {
    this.#news.resolve(undefined);
  }

  /** Nothing more will come, after what is new now. */
  end(): void {
    this.#ended = true;
    this.wake();
  }

  /** Ends with the signal, without an error: the listener went away. */
  async *read(signal: AbortSignal | undefined): AsyncGenerator<T, undefined> {
    const gone = (): void => this.end();
    signal?.addEventListener('abort', gone, { once: true });
    try {
      while (signal?.aborted !== true) {
        const ended = this.#ended;
        this.#news = Promise.withResolvers<undefined>();
        yield* this.#take();
        if (ended) return;
        // News may have come while the listener was slow to take the last.
        if (!this.#ended) await this.#news.promise;
        if (!this.#ended) await delay(FEED_INTERVAL_MS);
      }
    } finally {
      signal?.removeEventListener('abort', gone);
    }
  }
}

/** The feeds of all listeners to one thing. */
export class Listeners<T, News> {
  readonly #listeners = new Set<{ readonly feed: PacedFeed<T>; readonly hear: (news: News) => void }>();

  get count(): number {
    return this.#listeners.size;
  }

  tell(news: News): void {
    for (const { feed, hear } of this.#listeners) {
      hear(news);
      feed.wake();
    }
  }

  /** Ends every feed. */
  end(): void {
    for (const { feed } of this.#listeners) feed.end();
  }

  /**
   * @param hear notes news for `take`, which is also asked once at the beginning
   */
  async *listen(
    hear: (news: News) => void,
    take: () => readonly T[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<T, undefined> {
    const listener = { feed: new PacedFeed(take), hear };
    this.#listeners.add(listener);
    try {
      yield* listener.feed.read(signal);
    } finally {
      this.#listeners.delete(listener);
    }
  }
}

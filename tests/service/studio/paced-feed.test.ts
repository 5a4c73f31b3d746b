import { describe, expect, it } from 'vitest';
import { Listeners, PacedFeed } from '../../../main/service/studio/paced-feed.ts';

/** A feed of numbers that are put into `news`. */
function numbers(): { news: number[]; feed: PacedFeed<number> } {
  const news: number[] = [];
  return { news, feed: new PacedFeed(() => news.splice(0)) };
}

describe('PacedFeed', () => {
  it('gives at once what is there, then what comes', async () => {
    const { news, feed } = numbers();
    news.push(1, 2);
    const reading = feed.read(undefined);
    expect([await reading.next(), await reading.next()]).toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
    ]);
    const later = reading.next();
    news.push(3);
    feed.wake();
    expect(await later).toEqual({ done: false, value: 3 });
    feed.end();
    expect(await reading.next()).toEqual({ done: true, value: undefined });
  });

  it('takes together what comes while the listener is slow, and loses nothing', async () => {
    const { news, feed } = numbers();
    const heard: number[] = [];
    const listening = (async () => {
      for await (const each of feed.read(undefined)) {
        heard.push(each);
        if (heard.length === 1) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    for (let i = 0; i < 1000; i++) {
      news.push(i);
      feed.wake();
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    feed.end();
    await listening;
    expect(heard).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });

  it('ends without an error when its listener goes away, also in the middle of waiting', async () => {
    const gone = new AbortController();
    const reading = numbers().feed.read(gone.signal);
    const next = reading.next();
    gone.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await numbers().feed.read(AbortSignal.abort()).next()).toEqual({ done: true, value: undefined });
  });
});

describe('Listeners', () => {
  it('tells each listener all news, and forgets those that went away', async () => {
    const listeners = new Listeners<string, string>();
    const listen = (signal: AbortSignal): AsyncGenerator<string, undefined> => {
      const pending: string[] = [];
      return listeners.listen(
        (news) => pending.push(news),
        () => pending.splice(0),
        signal,
      );
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const [a, b] = [listen(first.signal), listen(second.signal)];
    const [fromA, fromB] = [a.next(), b.next()];
    expect(listeners.count).toBe(2);
    listeners.tell('news');
    expect([await fromA, await fromB].map(({ value }) => value)).toEqual(['news', 'news']);
    first.abort();
    await a.next();
    expect(listeners.count).toBe(1);
    const last = b.next();
    listeners.end();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(listeners.count).toBe(0);
  });
});

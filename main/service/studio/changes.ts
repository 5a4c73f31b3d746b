import { CHANGE_TOPICS, type Change } from '../../../shared/contract.ts';
import { Listeners } from './paced-feed.ts';

type Topic = Change['topic'];

/** Tells lists that they are out of date. Many changes of one topic at a time are one. */
export class Changes {
  readonly #listeners = new Listeners<Change, Topic>();

  announce(topic: Topic): void {
    this.#listeners.tell(topic);
  }

  watch(signal: AbortSignal | undefined): AsyncGenerator<Change, undefined> {
    const changed = new Set<Topic>();
    const take = (): Change[] => {
      const topics = CHANGE_TOPICS.filter((topic) => changed.has(topic));
      changed.clear();
      return topics.map((topic) => ({ topic }));
    };
    return this.#listeners.listen((topic) => changed.add(topic), take, signal);
  }

  close(): void {
    this.#listeners.end();
  }
}

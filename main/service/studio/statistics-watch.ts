import type { ActivityId } from '../../../shared/activity.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { MatrixOverview, StatisticsEvent } from '../../../shared/statistics.ts';
import { Listeners } from './paced-feed.ts';

/** What happened to a model's statistics, for those who watch them. */
export type StatisticsNews =
  | { readonly kind: 'changed'; readonly filesKey: string }
  | { readonly kind: 'matrix'; readonly matrix: MatrixOverview }
  | { readonly kind: 'gone' };

/** All that is known of the model's statistics with these files. */
export type ReadOverview = (
  id: ModelId,
  filesKey: string,
) => { readonly measuring: ActivityId | null; readonly total: number; readonly matrices: MatrixOverview[] };

/** Tells those who watch a model's statistics what is new. */
export class StatisticsWatch {
  readonly #read: ReadOverview;
  readonly #listeners = new Map<ModelId, Listeners<StatisticsEvent, StatisticsNews>>();

  constructor(read: ReadOverview) {
    this.#read = read;
  }

  tell(id: ModelId, news: StatisticsNews): void {
    const listeners = this.#listeners.get(id);
    listeners?.tell(news);
    if (news.kind === 'gone') listeners?.end();
  }

  /** First everything, then what is new; ends when the model is removed or the signal says so. */
  async *watch(
    id: ModelId,
    filesKey: string,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<StatisticsEvent, undefined> {
    const listeners = this.#listeners.get(id) ?? new Listeners<StatisticsEvent, StatisticsNews>();
    this.#listeners.set(id, listeners);
    const pending = new PendingStatistics((key) => this.#read(id, key), filesKey);
    try {
      yield* listeners.listen(
        (news) => pending.add(news),
        () => pending.take(),
        signal,
      );
    } finally {
      if (listeners.count === 0) this.#listeners.delete(id);
    }
  }

  close(): void {
    // The store closes as well: there is nothing left to read.
    for (const id of this.#listeners.keys()) this.tell(id, { kind: 'gone' });
  }
}

/** What one watcher has not been told. */
class PendingStatistics {
  readonly #read: (filesKey: string) => ReturnType<ReadOverview>;
  #filesKey: string;
  #whole = true;
  #gone = false;
  #matrices: MatrixOverview[] = [];

  constructor(read: (filesKey: string) => ReturnType<ReadOverview>, filesKey: string) {
    this.#read = read;
    this.#filesKey = filesKey;
  }

  add(news: StatisticsNews): void {
    switch (news.kind) {
      case 'changed':
        this.#whole = true;
        this.#filesKey = news.filesKey;
        break;
      case 'matrix':
        this.#matrices.push(news.matrix);
        break;
      case 'gone':
        this.#gone = true;
        break;
    }
  }

  take(): StatisticsEvent[] {
    const whole = this.#whole;
    const matrices = this.#matrices;
    this.#whole = false;
    this.#matrices = [];
    if (this.#gone) return [];
    // The store has the matrices that came before now.
    if (whole) return [{ kind: 'overview', ...this.#read(this.#filesKey) }];
    return matrices.length === 0 ? [] : [{ kind: 'matrices', matrices }];
  }
}

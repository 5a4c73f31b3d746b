import type { MatrixResult } from '../../../shared/run-record.ts';
import type { LoadSample, Pace, RunDetail, RunEvent, RunId, RunNote } from '../../../shared/runs.ts';
import { Listeners } from './paced-feed.ts';

/** What happened to a run, for those who watch it. */
export type RunNews =
  | { readonly kind: 'changed' }
  | { readonly kind: 'pace'; readonly pace: Pace }
  | { readonly kind: 'matrix'; readonly matrix: MatrixResult }
  | { readonly kind: 'note'; readonly note: RunNote }
  | { readonly kind: 'load'; readonly load: LoadSample }
  | { readonly kind: 'deleted' };

/** Samples of a run's load that one who begins to watch is shown: ten minutes. */
const SAMPLES_KEPT = 600;

/** What is not in the store: of the run that is at work now. */
interface Live {
  pace: Pace | undefined;
  readonly load: LoadSample[];
}

/** Tells those who watch a run what is new. */
export class RunWatch {
  readonly #read: (id: RunId) => RunDetail | undefined;
  readonly #listeners = new Map<RunId, Listeners<RunEvent, RunNews>>();
  readonly #live = new Map<RunId, Live>();

  /** @param read the run as the store has it */
  constructor(read: (id: RunId) => RunDetail | undefined) {
    this.#read = read;
  }

  tell(id: RunId, news: RunNews): void {
    const live = this.#live.get(id);
    if (news.kind === 'pace' && live !== undefined) live.pace = news.pace;
    if (news.kind === 'load' && live !== undefined) {
      live.load.push(news.load);
      if (live.load.length > SAMPLES_KEPT) live.load.shift();
    }
    this.#listeners.get(id)?.tell(news);
  }

  /** From here on, what the run is doing is kept for those who come later; until `stop`. */
  start(id: RunId): void {
    this.#live.set(id, { pace: undefined, load: [] });
  }

  stop(id: RunId): void {
    this.#live.delete(id);
  }

  /** First the whole run, then what is new; ends when the run is deleted or the signal says so. */
  async *watch(id: RunId, signal: AbortSignal | undefined): AsyncGenerator<RunEvent, undefined> {
    const listeners = this.#listeners.get(id) ?? new Listeners<RunEvent, RunNews>();
    this.#listeners.set(id, listeners);
    const pending = new PendingEvents(() => this.#read(id), this.#live.get(id));
    try {
      for await (const event of listeners.listen(
        (news) => pending.add(news),
        () => pending.take(),
        signal,
      )) {
        yield event;
        if (event.kind === 'deleted') return;
      }
    } finally {
      if (listeners.count === 0) this.#listeners.delete(id);
    }
  }

  close(): void {
    for (const listeners of this.#listeners.values()) listeners.end();
  }
}

/** What one watcher has not been told. */
class PendingEvents {
  readonly #read: () => RunDetail | undefined;
  #whole = true;
  #deleted = false;
  #pace: Pace | undefined;
  #matrices: MatrixResult[] = [];
  #notes: RunNote[] = [];
  #load: LoadSample[];

  constructor(read: () => RunDetail | undefined, live: Live | undefined) {
    this.#read = read;
    this.#pace = live?.pace;
    this.#load = [...(live?.load ?? [])];
  }

  add(news: RunNews): void {
    switch (news.kind) {
      case 'changed':
        this.#whole = true;
        break;
      case 'deleted':
        this.#deleted = true;
        break;
      case 'pace':
        this.#pace = news.pace;
        break;
      case 'matrix':
        this.#matrices.push(news.matrix);
        break;
      case 'note':
        this.#notes.push(news.note);
        break;
      case 'load':
        this.#load.push(news.load);
        break;
    }
  }

  take(): RunEvent[] {
    const events: RunEvent[] = [];
    const run = this.#whole ? this.#read() : undefined;
    if (this.#deleted || (this.#whole && run === undefined)) return [{ kind: 'deleted' }];
    if (run === undefined) {
      if (this.#matrices.length > 0) events.push({ kind: 'matrices', matrices: this.#matrices });
      for (const note of this.#notes) events.push({ kind: 'note', note });
    } else {
      // The store has the matrices and notes that came before now.
      events.push({ kind: 'run', run });
    }
    for (const load of this.#load) events.push({ kind: 'load', load });
    if (this.#pace !== undefined) events.push({ kind: 'pace', pace: this.#pace });
    this.#whole = false;
    this.#pace = undefined;
    this.#matrices = [];
    this.#notes = [];
    this.#load = [];
    return events;
  }
}

import { type Activity, type ActivityId, activityIdSchema } from '../../../shared/activity.ts';
import { ClaqError, plainError } from '../../../shared/errors.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { Progress } from '../../../shared/progress.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { Listeners } from './paced-feed.ts';
import { PaceMeter, monotonicSeconds } from './pace-meter.ts';

/** At the end of the program. */
const CLOSE_LIMIT_MS = 10_000;
/** Ended ones that nobody dismissed. */
const ENDED_KEPT = 20;

export type NewActivity = Pick<Activity, 'kind' | 'title' | 'runId' | 'modelId'> & {
  /** Calls the work off. It ends when it ends. */
  readonly cancel: () => void;
  readonly exporting?: Activity['exporting'];
  /** One that this one takes the place of, where it has ended: the same work, begun again. */
  readonly id?: string;
  readonly state?: 'waiting' | 'running';
};

/** Where whoever does the work tells how it goes. */
export interface ActivityHandle {
  readonly id: ActivityId;
  progress(progress: Progress): Activity['pace'];
  note(line: string): void;
  state(state: 'waiting' | 'running' | 'stopping'): void;
  /** The model that it is about, where there is none before its end: a download becomes one. */
  becomes(model: ModelId): void;
  /** @param error undefined where the work is done */
  end(error?: unknown): void;
}

interface Entry {
  activity: Activity;
  readonly cancel: () => void;
  readonly ended: PromiseWithResolvers<undefined>;
}

/** Everything long that goes on, in the order in which it began, whoever asked for it. */
export class Activities {
  readonly #entries = new Map<ActivityId, Entry>();
  readonly #listeners = new Listeners<Activity[], undefined>();
  #count = 0;

  list(): Activity[] {
    return Array.from(this.#entries.values(), ({ activity }) => activity);
  }

  watch(signal: AbortSignal | undefined): AsyncGenerator<Activity[], undefined> {
    let changed = true;
    const take = (): Activity[][] => {
      if (!changed) return [];
      changed = false;
      return [this.list()];
    };
    return this.#listeners.listen(() => (changed = true), take, signal);
  }

  begin(begun: NewActivity): ActivityHandle {
    const { kind, title, runId, modelId, exporting = null, cancel, id, state = 'running' } = begun;
    const activityId = activityIdSchema.parse(id ?? `${kind}-${++this.#count}`);
    const meter = new PaceMeter();
    const startedAt = new Date().toISOString();
    const ended = Promise.withResolvers<undefined>();
    // Begun again, it stands at the end.
    this.#entries.delete(activityId);
    this.#put(activityId, {
      activity: {
        id: activityId,
        ...{ kind, title, state, runId, modelId, exporting, startedAt },
        ...{ pace: null, error: null, note: null },
      },
      cancel,
      ended,
    });
    const change = (changes: Partial<Activity>): void => {
      const entry = this.#entries.get(activityId);
      if (entry !== undefined)
        this.#put(activityId, { ...entry, activity: { ...entry.activity, ...changes } });
    };
    return {
      id: activityId,
      progress: (progress) => {
        const pace = meter.measure(progress, monotonicSeconds());
        change({ pace });
        return pace;
      },
      note: (line) => change({ note: line }),
      state: (next) => change({ state: next }),
      becomes: (modelId) => change({ modelId }),
      end: (error) => {
        change({ ...ending(error), pace: null });
        ended.resolve(undefined);
        this.#forgetOldest();
      },
    };
  }

  /** Begins one and does its work. What fails is told by the activity, to whoever looks. */
  perform(
    activity: Omit<NewActivity, 'cancel'>,
    work: (hooks: RunHooks, handle: ActivityHandle) => Promise<void>,
  ): ActivityId {
    const cancellation = new AbortController();
    const handle = this.begin({ ...activity, cancel: () => cancellation.abort() });
    const hooks: RunHooks = {
      signal: cancellation.signal,
      onProgress: (progress) => handle.progress(progress),
      onNote: (line) => handle.note(line),
    };
    void work(hooks, handle).then(
      () => handle.end(),
      (error: unknown) => handle.end(error),
    );
    return handle.id;
  }

  cancel(id: ActivityId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || hasEnded(entry.activity)) return;
    this.#put(id, { ...entry, activity: { ...entry.activity, state: 'stopping' } });
    entry.cancel();
  }

  /** One that still goes on stays. */
  dismiss(id: ActivityId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || !hasEnded(entry.activity)) return;
    this.#entries.delete(id);
    this.#listeners.tell(undefined);
  }

  /** Takes one out, whatever its state: what it was about is gone. */
  forget(id: string): void {
    if (this.#entries.delete(activityIdSchema.parse(id))) this.#listeners.tell(undefined);
  }

  /** Calls off what is not a run, which the queue has to say about, and waits for it, within bounds. */
  async close(): Promise<void> {
    const ending: Promise<undefined>[] = [];
    for (const { activity, cancel, ended } of this.#entries.values()) {
      if (hasEnded(activity) || activity.kind === 'quantize') continue;
      cancel();
      ending.push(ended.promise);
    }
    await Promise.race([
      Promise.all(ending),
      new Promise((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS).unref()),
    ]);
    this.#listeners.end();
  }

  #put(id: ActivityId, entry: Entry): void {
    this.#entries.set(id, entry);
    this.#listeners.tell(undefined);
  }

  #forgetOldest(): void {
    const ended = this.list().filter(hasEnded);
    for (const { id } of ended.slice(0, Math.max(0, ended.length - ENDED_KEPT))) this.#entries.delete(id);
  }
}

function hasEnded({ state }: Activity): boolean {
  return state === 'done' || state === 'failed' || state === 'cancelled';
}

function ending(error: unknown): Pick<Activity, 'state' | 'error'> {
  if (error === undefined) return { state: 'done', error: null };
  if (isCancellation(error)) return { state: 'cancelled', error: null };
  return { state: 'failed', error: plainError(asClaqError(error)) };
}

export function isCancellation(error: unknown): boolean {
  return error instanceof ClaqError && error.code === 'run/cancelled';
}

/** What a window can be shown of any error; one that is not ours is a fault of the program. */
export function asClaqError(error: unknown): ClaqError {
  if (error instanceof ClaqError) return error;
  return new ClaqError('program/fault', 'The program failed', {
    found: error instanceof Error ? error.message : String(error),
    remedy: 'this is a fault of the program: please report it with its log',
    cause: error,
  });
}

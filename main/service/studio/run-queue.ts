import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ClaqError, describeError, plainError } from '../../../shared/errors.ts';
import { describeModelBudget } from '../../../shared/model-budget.ts';
import { MATRIX_KINDS } from '../../../shared/model.ts';
import type { QuantizeChoices } from '../../../shared/requests.ts';
import {
  ACTIVE_STATES,
  RESUMABLE_STATES,
  type RunCard,
  type RunDetail,
  type RunId,
  type RunOrder,
  runCardSchema,
} from '../../../shared/runs.ts';
import { exists } from '../folder-contents.ts';
import { bitsLabel, methodSettings } from '../method-settings.ts';
import { RUN_FILE } from '../run-folder.ts';
import type { SettableState, Store } from '../store/store.ts';
import { type Activities, type ActivityHandle, asClaqError, isCancellation } from './activities.ts';
import type { Changes } from './changes.ts';
import type { Exporter } from './exporter.ts';
import { freeRunFolder } from './free-run-folder.ts';
import { type ModelLibrary, notFound } from './model-library.ts';
import { type QuantizeTask, performRun } from './perform-run.ts';
import type { RunWatch } from './run-watch.ts';
import type { UserSettings } from './user-settings.ts';

export interface QueueParts {
  readonly store: Store;
  readonly changes: Changes;
  readonly activities: Activities;
  readonly watch: RunWatch;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  readonly exporter: Exporter;
  /** The engine; another one only in tests. */
  readonly quantize: QuantizeTask;
}

/** The run that the engine is at. */
interface Current {
  readonly id: RunId;
  readonly cancellation: AbortController;
  /** What stopping it makes of it. */
  stopsAs: 'paused' | 'cancelled';
  readonly done: Promise<void>;
}

/** At the end of the program: a thread hears that it is called off between two steps of its work. */
const CLOSE_LIMIT_MS = 20_000;

/** Runs one after another: the engine takes the whole machine. What waits and what has ended stands in the store. */
export class RunQueue {
  readonly #parts: QueueParts;
  readonly #handles = new Map<RunId, ActivityHandle>();
  #current: Current | undefined;
  #begun = false;
  #closing = false;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Takes up what waited when the program ended. Before it no run begins: what is started waits. */
  begin(): void {
    this.#begun = true;
    const waiting = this.#parts.store.runs.list().filter(({ state }) => state === 'queued');
    for (const run of waiting.toSorted((a, b) => (a.ahead ?? 0) - (b.ahead ?? 0))) this.#showWaiting(run);
    this.#next();
  }

  /** Throws ClaqError library/not-found, budget/*, and request/invalid for choices that exclude each other. */
  async start({ modelId, choices: asked }: RunOrder): Promise<RunCard> {
    const { store, models, settings } = this.#parts;
    const model = models.stored(modelId);
    const choices = settings.applyTo(asked);
    const method = methodSettings(choices, model.description);
    const stem = `${model.name} ${bitsLabel(method.budget)}`;
    const taken = new Set(store.runs.list().map(({ folder }) => folder));
    const folder = await freeRunFolder(settings.get().runsFolder, stem, taken);
    const { blocks } = model.description;
    const id = store.runs.insert({
      modelId,
      folder,
      choices: withBaseline(choices, model.baseline),
      method: choices.method,
      budget: describeModelBudget(method.budget),
      blocks,
      matricesTotal: blocks * MATRIX_KINDS.length,
      queuedAt: new Date().toISOString(),
    });
    this.#showWaiting(this.#run(id));
    this.#changed(id);
    this.#next();
    return cardOf(this.#run(id));
  }

  /** Throws ClaqError run/wrong-state, library/not-found. */
  pause(id: RunId): void {
    this.#stop(id, 'paused');
  }

  /** Throws ClaqError run/wrong-state, library/not-found. */
  cancel(id: RunId): void {
    this.#stop(id, 'cancelled');
  }

  /** Throws ClaqError run/wrong-state, library/not-found. */
  resume(id: RunId): void {
    const run = this.#run(id);
    if (!RESUMABLE_STATES.has(run.state)) throw wrongState(run, 'be gone on with');
    this.#parts.store.runs.enqueue(id);
    this.#showWaiting(this.#run(id));
    this.#changed(id);
    this.#next();
  }

  move(id: RunId, places: number): void {
    this.#run(id);
    this.#parts.store.runs.move(id, places);
    this.#parts.changes.announce('runs');
  }

  /** Throws ClaqError library/busy, library/not-found, and what the system throws where the folder cannot be removed. */
  async remove(id: RunId, deleteFolder: boolean): Promise<void> {
    const { store, activities, watch, changes } = this.#parts;
    const run = this.#run(id);
    if (ACTIVE_STATES.has(run.state)) {
      throw new ClaqError('library/busy', 'This run is still going on', {
        where: run.folder,
        found: run.state,
        remedy: 'cancel it first',
      });
    }
    // Nothing but a run is ever deleted.
    if (deleteFolder && (await exists(join(run.folder, RUN_FILE)))) {
      await rm(run.folder, { recursive: true });
    }
    store.runs.remove(id);
    this.#handles.delete(id);
    activities.forget(activityOf(id));
    watch.tell(id, { kind: 'deleted' });
    changes.announce('runs');
    changes.announce('models');
  }

  /** Whether the engine is at work or about to be. */
  get active(): boolean {
    return this.#current !== undefined;
  }

  /** Pauses the run that is at work, and begins no other. */
  async close(): Promise<void> {
    this.#closing = true;
    const current = this.#current;
    if (current === undefined) return;
    current.cancellation.abort();
    await Promise.race([current.done, new Promise((resolve) => setTimeout(resolve, CLOSE_LIMIT_MS).unref())]);
  }

  #run(id: RunId): RunDetail {
    const run = this.#parts.store.runs.get(id);
    if (run === undefined) throw notFound('run', id);
    return run;
  }

  #showWaiting(run: RunCard): void {
    const handle = this.#parts.activities.begin({
      kind: 'quantize',
      id: activityOf(run.id),
      title: `${run.modelName}, ${run.budget}`,
      state: 'waiting',
      runId: run.id,
      modelId: run.modelId,
      cancel: () => this.cancel(run.id),
    });
    this.#handles.set(run.id, handle);
  }

  #stop(id: RunId, as: Current['stopsAs']): void {
    const run = this.#run(id);
    const current = this.#current;
    if (current?.id === id) {
      // A run that pauses can still be cancelled.
      current.stopsAs = as;
      this.#setState(id, as === 'paused' ? 'pausing' : 'cancelling');
      this.#handles.get(id)?.state('stopping');
      current.cancellation.abort();
      return;
    }
    const canStop = run.state === 'queued' || (as === 'cancelled' && RESUMABLE_STATES.has(run.state));
    if (!canStop) throw wrongState(run, as === 'paused' ? 'be paused' : 'be cancelled');
    this.#setState(id, as, new Date().toISOString());
    this.#handles.get(id)?.end(new ClaqError('run/cancelled', 'The run was called off'));
  }

  #setState(id: RunId, state: SettableState, endedAt?: string): void {
    this.#parts.store.runs.setState(id, state, endedAt === undefined ? {} : { endedAt });
    this.#changed(id);
  }

  #changed(id: RunId): void {
    this.#parts.watch.tell(id, { kind: 'changed' });
    this.#parts.changes.announce('runs');
  }

  /** Begins the next run, where the queue has begun and nothing is at work. */
  #next(): void {
    if (!this.#begun || this.#closing || this.#current !== undefined) return;
    const id = this.#parts.store.runs.nextQueued();
    if (id === undefined) return;
    const cancellation = new AbortController();
    const finished = Promise.withResolvers<undefined>();
    const current: Current = { id, cancellation, stopsAs: 'paused', done: finished.promise };
    this.#current = current;
    void this.#perform(current).finally(() => {
      this.#current = undefined;
      finished.resolve(undefined);
      this.#next();
    });
  }

  /** Does the run that stands next, and writes down how it ended. Never throws: there is nobody to catch it. */
  async #perform(current: Current): Promise<void> {
    const { store, watch, changes } = this.#parts;
    const { id, cancellation } = current;
    const activity = this.#handles.get(id);
    try {
      const run = this.#run(id);
      const startedAt = run.startedAt ?? new Date().toISOString();
      store.runs.setState(id, 'running', { startedAt });
      watch.start(id);
      activity?.state('running');
      this.#changed(id);
      await performRun({ ...this.#parts, run, activity, signal: cancellation.signal });
      activity?.end();
      const { exportDtype } = run.choices;
      if (exportDtype !== undefined) {
        this.#parts.exporter.start({ runId: id }, { format: 'dense', dtype: exportDtype });
      }
    } catch (error) {
      const cancelled = isCancellation(error);
      const shown = asClaqError(error);
      if (!cancelled) this.#note(id, describeError(shown).join('; '));
      store.runs.setState(id, cancelled ? current.stopsAs : 'failed', {
        endedAt: new Date().toISOString(),
        ...(cancelled ? {} : { error: plainError(shown) }),
      });
      activity?.end(error);
    } finally {
      watch.stop(id);
      this.#changed(id);
      changes.announce('models');
    }
  }

  #note(id: RunId, line: string): void {
    const note = { at: new Date().toISOString(), line };
    this.#parts.store.runs.addNote(id, note);
    this.#parts.watch.tell(id, { kind: 'note', note });
  }
}

/** What lists show of a run. */
export function cardOf(run: RunDetail): RunCard {
  return z.object(runCardSchema.shape).parse(run);
}

function activityOf(id: RunId): string {
  return `run-${id}`;
}

/** The original model's perplexity is measured once for many runs; one that was measured otherwise is not taken. */
function withBaseline(
  choices: QuantizeChoices,
  baseline: QuantizeChoices['evaluation']['baseline'] | null,
): QuantizeChoices {
  if (baseline === null || choices.evaluation.baseline !== undefined) return choices;
  return { ...choices, evaluation: { ...choices.evaluation, baseline } };
}

function wrongState(run: RunCard, what: string): ClaqError {
  return new ClaqError('run/wrong-state', `This run cannot ${what}`, {
    where: `run ${run.id}`,
    found: `it is ${run.state}`,
    remedy: 'look at the run again: its state may have changed',
  });
}

import { z } from 'zod';
import type { ActivityId } from '../../../shared/activity.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { RunHooks, SensitivityRequest } from '../../../shared/requests.ts';
import { type ModelSensitivity, modelSensitivitySchema } from '../../../shared/sensitivity.ts';
import type { SensitivitySummary } from '../../../shared/summaries.ts';
import { filesKey } from '../statistics/files-key.ts';
import type { Store } from '../store/store.ts';
import type { Activities, ActivityHandle } from './activities.ts';
import type { Changes } from './changes.ts';
import { filesChanged, presentModel } from './column-work.ts';
import type { ModelLibrary } from './model-library.ts';
import type { Turn } from './turn.ts';
import type { UserSettings } from './user-settings.ts';

/** Takes gradients in the engine's thread. */
export type SensitivityTask = (request: SensitivityRequest, hooks: RunHooks) => Promise<SensitivitySummary>;

export interface SensitivitiesParts {
  readonly store: Store;
  readonly changes: Changes;
  readonly activities: Activities;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  /** Of the engine. */
  readonly turn: Turn;
  readonly measure: SensitivityTask;
}

/** Without what is the call's own. */
const figuresOf = z.object(modelSensitivitySchema.shape);

/** What the losses of the library's models feel of errors in their matrices' outputs. */
export class Sensitivities {
  readonly #parts: SensitivitiesParts;
  readonly #going = new Map<ModelId, ActivityId>();

  constructor(parts: SensitivitiesParts) {
    this.#parts = parts;
  }

  /**
   * What was measured last; null where nothing was, or of other weights. Throws ClaqError library/not-found, and what finding the
   * weights throws.
   */
  async of(modelId: ModelId): Promise<ModelSensitivity | null> {
    const { filesKey: key } = await presentModel(this.#parts.models, modelId);
    return this.#parts.store.sensitivities.read(modelId, key) ?? null;
  }

  /**
   * Begins to measure, on the text that a run calibrates on where nothing else is asked; what goes on is not begun twice. Throws
   * ClaqError library/not-found. What fails later is told by the activity.
   */
  start(modelId: ModelId): ActivityId {
    const going = this.#going.get(modelId);
    if (going !== undefined) return going;
    const { activities, models } = this.#parts;
    const title = `${models.stored(modelId).name}, sensitivity`;
    const activity = activities.perform(
      { kind: 'sensitivity', title, runId: null, modelId, state: 'waiting' },
      (hooks, handle) => this.#measure(modelId, hooks, handle).finally(() => this.#going.delete(modelId)),
    );
    this.#going.set(modelId, activity);
    return activity;
  }

  /** The model is taken out of the library. */
  forget(modelId: ModelId): void {
    const going = this.#going.get(modelId);
    if (going !== undefined) this.#parts.activities.cancel(going);
  }

  async #measure(modelId: ModelId, hooks: RunHooks, handle: ActivityHandle): Promise<void> {
    const { store, changes, models, turn, measure } = this.#parts;
    const model = models.stored(modelId);
    const summary = await turn.take(async () => {
      handle.state('running');
      const key = await filesKey(model.folder);
      const measured = await measure(this.#request(model.folder), hooks);
      // What was read is of neither the old files nor the new ones.
      if ((await filesKey(model.folder)) !== key) throw filesChanged(model);
      return { key, figures: figuresOf.parse(measured) };
    }, hooks.signal);
    // Removed meanwhile, perhaps.
    throwIfCancelled(hooks.signal);
    store.sensitivities.save(modelId, summary.key, summary.figures);
    changes.announce('statistics');
  }

  #request(model: string): SensitivityRequest {
    const { engine, forwardPrecision, threads, hostMemory, calibrationText } = this.#parts.settings.get();
    return {
      model,
      engine,
      forwardPrecision,
      ...(calibrationText === null ? {} : { text: calibrationText }),
      ...(threads === null ? {} : { threads }),
      ...(hostMemory === null ? {} : { hostMemory }),
    };
  }
}

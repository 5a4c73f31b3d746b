import { z } from 'zod';
import type { ActivityId } from '../../../shared/activity.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ModelId } from '../../../shared/library.ts';
import { DEFAULT_WINDOWS, type EvaluateRequest, type RunHooks } from '../../../shared/requests.ts';
import { perplexityFigureSchema } from '../../../shared/run-record.ts';
import type { EvaluateSummary } from '../../../shared/summaries.ts';
import type { Store } from '../store/store.ts';
import type { Activities } from './activities.ts';
import type { Changes } from './changes.ts';
import type { ModelLibrary } from './model-library.ts';
import type { UserSettings } from './user-settings.ts';

/** Evaluates in the engine's thread, when its turn has come. */
export type EvaluateTask = (request: EvaluateRequest, hooks: RunHooks) => Promise<EvaluateSummary>;

export interface EvaluationsParts {
  readonly store: Store;
  readonly changes: Changes;
  readonly activities: Activities;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  readonly evaluate: EvaluateTask;
}

/** Without what is the call's own. */
const figureOf = z.object(perplexityFigureSchema.shape);

/** Perplexities of the library's models as they are: of a packed model, what its quantization left. */
export class Evaluations {
  readonly #parts: EvaluationsParts;
  readonly #going = new Map<ModelId, ActivityId>();

  constructor(parts: EvaluationsParts) {
    this.#parts = parts;
  }

  /**
   * Begins to measure on the windows that a run takes where nothing else is asked; one that goes on is not begun twice. Throws
   * ClaqError library/not-found. What fails later is told by the activity.
   */
  start(modelId: ModelId): ActivityId {
    const going = this.#going.get(modelId);
    if (going !== undefined) return going;
    const { activities, models } = this.#parts;
    const { name } = models.stored(modelId);
    const title = `${name}, perplexity`;
    const activity = activities.perform({ kind: 'evaluate', title, runId: null, modelId }, (hooks) =>
      this.#evaluate(modelId, hooks).finally(() => this.#going.delete(modelId)),
    );
    this.#going.set(modelId, activity);
    return activity;
  }

  async #evaluate(modelId: ModelId, hooks: RunHooks): Promise<void> {
    const { store, changes, models, settings, evaluate } = this.#parts;
    const { engine, forwardPrecision, threads } = settings.get();
    const request = {
      model: models.stored(modelId).folder,
      windows: DEFAULT_WINDOWS,
      engine,
      forwardPrecision,
      ...(threads === null ? {} : { threads }),
    };
    const figure = figureOf.parse(await evaluate(request, hooks));
    try {
      store.evaluations.save(modelId, figure, new Date().toISOString());
    } catch (error) {
      // Removed meanwhile.
      if (!(error instanceof ClaqError) || error.code !== 'library/not-found') throw error;
    }
    changes.announce('models');
  }
}

import type { ActivityId } from '../../../shared/activity.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import { filesKey } from '../statistics/files-key.ts';
import type { KnownModel } from '../statistics/known-columns.ts';
import type { Store, StoredModel } from '../store/store.ts';
import type { Activities, ActivityHandle } from './activities.ts';
import type { ModelLibrary } from './model-library.ts';

/** A walk over a model's columns that goes on. */
export interface ColumnWork {
  readonly activity: ActivityId;
  /** Rejects with what it failed of. */
  readonly done: Promise<void>;
  readonly cancel: () => void;
}

export interface ColumnWorkParts {
  readonly store: Store;
  readonly models: ModelLibrary;
  readonly activities: Activities;
}

/** What is walked, and how. */
export interface ColumnWalk {
  readonly kind: 'measure' | 'analyse';
  readonly model: StoredModel;
  readonly filesKey: string;
  readonly work: (hooks: RunHooks, activity: ActivityHandle) => Promise<void>;
  /** When it begins, and when it has ended in whatever way. */
  readonly onChange: (filesKey: string) => void;
}

/** Walks over models' columns: one of a kind at a time for each model, each an activity. */
export class ColumnWorks {
  readonly #parts: ColumnWorkParts;
  readonly #going = new Map<ModelId, ColumnWork>();

  constructor(parts: ColumnWorkParts) {
    this.#parts = parts;
  }

  of(id: ModelId): ColumnWork | undefined {
    return this.#going.get(id);
  }

  begin({ kind, model, filesKey: key, work, onChange }: ColumnWalk): ColumnWork {
    const { activities, models, store } = this.#parts;
    const cancellation = new AbortController();
    const handle = activities.begin({
      kind,
      title: `${model.name}, ${kind === 'measure' ? 'columns' : 'analysis'}`,
      runId: null,
      modelId: model.id,
      cancel: () => cancellation.abort(),
    });
    const hooks: RunHooks = {
      signal: cancellation.signal,
      onProgress: (progress) => handle.progress(progress),
    };
    const presentKey = async (): Promise<string> => {
      try {
        return await filesKey(models.stored(model.id).folder);
      } catch {
        return key;
      }
    };
    const perform = async (): Promise<void> => {
      let failure: unknown;
      let present = key;
      try {
        try {
          await work(hooks, handle);
        } finally {
          // Also of one that was cancelled or failed. Where the model or its files are gone, they are no others.
          present = await presentKey();
        }
        if (present !== key) throw filesChanged(model);
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        // What was read is of neither the old files nor the new ones.
        if (present !== key) forgetOtherFiles(store, { modelId: model.id, filesKey: present });
        this.#going.delete(model.id);
        handle.end(failure);
        onChange(present);
      }
    };
    const going = { activity: handle.id, done: perform(), cancel: () => activities.cancel(handle.id) };
    // Whoever looks at the activity is told; others may wait for it.
    going.done.catch(() => undefined);
    this.#going.set(model.id, going);
    onChange(key);
    return going;
  }
}

export function filesChanged({ folder }: StoredModel): ClaqError {
  return new ClaqError('model/changed', "The model's weights were changed while they were read", {
    where: folder,
    remedy: 'begin again when nothing writes to the folder',
  });
}

/** Everything that is known of the columns of other files than these. */
export function forgetOtherFiles(store: Store, { modelId, filesKey: key }: KnownModel): void {
  store.transaction(() => {
    store.columnStatistics.forgetOthers(modelId, key);
    store.analyses.forgetOthers(modelId, key);
    store.calibrations.forgetOthers(modelId, key);
  });
}

export interface PresentModel extends KnownModel {
  readonly model: StoredModel;
}

/** The model with what its weights' files are now. Throws ClaqError library/not-found, and what finding the weights throws. */
export async function presentModel(models: ModelLibrary, id: ModelId): Promise<PresentModel> {
  const model = models.stored(id);
  return { model, modelId: id, filesKey: await filesKey(model.folder) };
}

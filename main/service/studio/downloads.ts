import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActivityId } from '../../../shared/activity.ts';
import type { DownloadRequest } from '../../../shared/download-request.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { RunHooks } from '../../../shared/requests.ts';
import type { Activities } from './activities.ts';
import type { ModelLibrary } from './model-library.ts';
import type { UserSettings } from './user-settings.ts';

export interface DownloadParts {
  readonly activities: Activities;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  readonly hubToken: (() => string | undefined) | undefined;
}

/** Models that are fetched from a hub into the folder of the settings, and then are in the library. */
export class Downloads {
  readonly #parts: DownloadParts;

  constructor(parts: DownloadParts) {
    this.#parts = parts;
  }

  /** One that was broken off goes on where it stopped. What fails is told by the activity. */
  start(request: DownloadRequest): ActivityId {
    const { activities, settings } = this.#parts;
    const folder = join(settings.get().modelsFolder, folderName(request));
    const title = request.repository;
    return activities.perform(
      { kind: 'download', title, runId: null, modelId: null },
      async (hooks, handle) => {
        handle.becomes(await this.#download(request, folder, hooks));
      },
    );
  }

  /** Deletes what was downloaded. */
  async removeFiles(folder: string): Promise<void> {
    await rm(folder, { recursive: true, force: true });
  }

  async #download(request: DownloadRequest, folder: string, hooks: RunHooks): Promise<ModelId> {
    const { models, hubToken } = this.#parts;
    // The hub's library takes a while to load, and most programs never download anything.
    const { downloadModel } = await import('../hub/download-model.ts');
    const { repository, revision, token = hubToken?.() } = request;
    const { commit } = await downloadModel(
      { repository, revision, folder, ...(token === undefined ? {} : { token }) },
      hooks,
    );
    const name = repository.split('/')[1] ?? repository;
    const { id } = await models.add(folder, { kind: 'hub', repository, commit }, name);
    return id;
  }
}

/** A revision that was asked for by name is a model of its own. */
function folderName({ repository, revision }: DownloadRequest): string {
  const name = revision === 'main' ? repository : `${repository}/${revision}`;
  return name.replaceAll(/[^\w.-]+/g, '--');
}

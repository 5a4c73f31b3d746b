/**
 * CLAQ Studio without a window: the library, the queue of runs, and everything that a window can ask. One implementation of the
 * contract, whoever carries its calls: Electron's message port, a browser's socket, or a call in this process.
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ClaqError } from '../../../shared/errors.ts';
import type { ProgramInfo } from '../../../shared/host.ts';
import { inEngineThread } from '../engine-thread/run-in-thread.ts';
import { lockFolder } from '../../engine/checkpoint/folder-lock.ts';
import { openStore } from '../store/store.ts';
import { Activities } from './activities.ts';
import { Analyses } from './analyses.ts';
import { Changes } from './changes.ts';
import { Downloads } from './downloads.ts';
import { EngineRates } from './engine-rates.ts';
import { Turn } from './turn.ts';
import { type EvaluateTask, Evaluations } from './evaluations.ts';
import { Exporter, type ExportTask } from './exporter.ts';
import { ModelLibrary } from './model-library.ts';
import type { QuantizeTask } from './perform-run.ts';
import { type StudioRouter, studioRouter } from './router.ts';
import { RunQueue } from './run-queue.ts';
import { RunWatch } from './run-watch.ts';
import { SavedBudgets } from './saved-budgets.ts';
import { type ColumnTaskRunner, Statistics } from './statistics.ts';
import { Sensitivities, type SensitivityTask } from './sensitivities.ts';
import { StudioPreflight } from './studio-preflight.ts';
import { UserSettings } from './user-settings.ts';

export interface StudioOptions {
  /** Folder of the library; made where it is not there. */
  readonly dataFolder: string;
  readonly host: ProgramInfo['host'];
  /** The user's token for the Hugging Face hub, where the host keeps one; asked when a download begins. */
  readonly hubToken?: () => string | undefined;
  /**
   * Whether runs that wait get their turn; so they do where nothing is said. A command leaves them where they are: it comes to
   * look or to change an entry, and is gone again.
   */
  readonly performsRuns?: boolean;
  /** Another engine, for tests of everything around it. */
  readonly tasks?: {
    readonly quantize?: QuantizeTask;
    readonly exportQuantized?: ExportTask;
    readonly evaluate?: EvaluateTask;
    readonly sensitivity?: SensitivityTask;
    readonly columns?: ColumnTaskRunner;
  };
}

export interface Studio {
  readonly router: StudioRouter;
  /** Pauses the run that is at work, calls the other long things off, and closes the library. */
  close(): Promise<void>;
}

const LIBRARY_FILE = 'library.sqlite';

/**
 * Opens the library and, unless told otherwise, goes on with the queue.
 *
 * @throws ClaqError library/in-use, store/newer-version, store/damaged
 */
export async function openStudio(options: StudioOptions): Promise<Studio> {
  const dataFolder = resolve(options.dataFolder);
  await mkdir(dataFolder, { recursive: true });
  const lock = await lockLibrary(dataFolder);
  try {
    const store = openStore(join(dataFolder, LIBRARY_FILE));
    store.runs.interruptActive(new Date().toISOString());
    const changes = new Changes();
    const activities = new Activities();
    const watch = new RunWatch((id) => store.runs.get(id));
    const models = new ModelLibrary(store, changes);
    const settings = new UserSettings(store, changes, dataFolder);
    const turn = new Turn();
    const perform: QuantizeTask =
      options.tasks?.quantize ?? ((request, hooks) => inEngineThread('quantize', request, hooks));
    const quantize: QuantizeTask = (request, hooks) => turn.take(() => perform(request, hooks));
    const rates = new EngineRates(dataFolder, turn, (request) => inEngineThread('rates', request));
    const preflight = new StudioPreflight({ store, models, settings, rates });
    const exportQuantized: ExportTask =
      options.tasks?.exportQuantized ?? ((request, hooks) => inEngineThread('export', request, hooks));
    const exporter = new Exporter({ store, changes, activities, watch, exportQuantized });
    const runs = new RunQueue({ store, changes, activities, watch, models, settings, quantize, exporter });
    const evaluateNow: EvaluateTask =
      options.tasks?.evaluate ?? ((request, hooks) => inEngineThread('evaluate', request, hooks));
    const evaluate: EvaluateTask = (request, hooks) =>
      turn.take(() => evaluateNow(request, hooks), hooks.signal);
    const evaluations = new Evaluations({ store, changes, activities, models, settings, evaluate });
    const measureSensitivity: SensitivityTask =
      options.tasks?.sensitivity ?? ((request, hooks) => inEngineThread('sensitivity', request, hooks));
    const sensitivities = new Sensitivities({
      store,
      changes,
      activities,
      models,
      settings,
      turn,
      measure: measureSensitivity,
    });
    const downloads = new Downloads({ activities, models, settings, hubToken: options.hubToken });
    const walkColumns: ColumnTaskRunner =
      options.tasks?.columns ?? ((task, request, hooks) => inEngineThread(task, request, hooks));
    const columnParts = { store, models, activities, changes, settings, perform: walkColumns };
    const statistics = new Statistics(columnParts);
    const analyses = new Analyses({ ...columnParts, statistics });
    const router = studioRouter({
      store,
      changes,
      activities,
      watch,
      models,
      settings,
      runs,
      exporter,
      evaluations,
      sensitivities,
      downloads,
      preflight,
      statistics,
      analyses,
      savedBudgets: new SavedBudgets(store, changes),
      dataFolder,
      host: options.host,
    });
    if (options.performsRuns ?? true) runs.begin();
    return {
      router,
      async close() {
        try {
          await Promise.all([runs.close(), activities.close()]);
        } finally {
          changes.close();
          watch.close();
          await statistics.close();
          store.close();
          await lock.release();
        }
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** The library is one process' at a time: two would each think that the engine is free. */
async function lockLibrary(folder: string): Promise<{ release(): Promise<void> }> {
  try {
    return await lockFolder(folder);
  } catch (error) {
    if (!(error instanceof ClaqError) || error.code !== 'output/in-use') throw error;
    const { where, found } = error;
    throw new ClaqError('library/in-use', 'CLAQ Studio is open already', {
      ...(where === undefined ? {} : { where }),
      expected: 'a library that no other process has open',
      ...(found === undefined ? {} : { found }),
      remedy:
        'use the window that is open, wait for the command that is at work, or name another folder with --data; if nothing of it is running any longer, delete the file named above',
      cause: error,
    });
  }
}

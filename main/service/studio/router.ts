import { mapEventIterator } from '@orpc/client';
import { implement } from '@orpc/server';
import { ClaqError, plainError } from '../../../shared/errors.ts';
import { contract } from '../../../shared/contract.ts';
import type { ProgramInfo } from '../../../shared/host.ts';
import { ACTIVE_STATES, type RunDetail, type RunId } from '../../../shared/runs.ts';
import type { Store } from '../store/store.ts';
import type { Activities } from './activities.ts';
import type { Analyses } from './analyses.ts';
import type { Changes } from './changes.ts';
import type { Downloads } from './downloads.ts';
import { startEngineSetup } from './engine-setup.ts';
import type { Evaluations } from './evaluations.ts';
import type { Exporter } from './exporter.ts';
import { readLicences } from './licences.ts';
import { listFolder } from './list-folder.ts';
import { type ModelLibrary, notFound } from './model-library.ts';
import { programInfo } from './program-info.ts';
import { removeExport } from './remove-export.ts';
import { type RunQueue, cardOf } from './run-queue.ts';
import type { SavedBudgets } from './saved-budgets.ts';
import type { Sensitivities } from './sensitivities.ts';
import type { Statistics } from './statistics.ts';
import type { StudioPreflight } from './studio-preflight.ts';
import type { RunWatch } from './run-watch.ts';
import type { UserSettings } from './user-settings.ts';

export interface RouterParts {
  readonly store: Store;
  readonly changes: Changes;
  readonly activities: Activities;
  readonly watch: RunWatch;
  readonly models: ModelLibrary;
  readonly settings: UserSettings;
  readonly runs: RunQueue;
  readonly exporter: Exporter;
  readonly evaluations: Evaluations;
  readonly sensitivities: Sensitivities;
  readonly downloads: Downloads;
  readonly preflight: StudioPreflight;
  readonly statistics: Statistics;
  readonly analyses: Analyses;
  readonly savedBudgets: SavedBudgets;
  readonly dataFolder: string;
  readonly host: ProgramInfo['host'];
}

/** Calls need nothing of their host but to be carried. */
export type StudioRouter = ReturnType<typeof studioRouter>;

/** The contract's calls, each a line: what they do stands elsewhere. */
export function studioRouter(parts: RouterParts) {
  const { store, changes, activities, watch, models, settings, runs, exporter, evaluations } = parts;
  const { sensitivities, downloads, preflight, statistics, analyses, savedBudgets } = parts;
  const os = implement(contract).use(async ({ next, errors }) => {
    const told = (error: unknown): unknown =>
      error instanceof ClaqError ? errors.CLAQ({ message: error.message, data: plainError(error) }) : error;
    try {
      const answer = await next();
      if (!isEvents(answer.output)) return answer;
      // A call that goes on has answered long before it fails.
      const value = (event: unknown): Promise<unknown> => Promise.resolve(event);
      const error = (thrown: unknown): Promise<unknown> => Promise.resolve(told(thrown));
      return { ...answer, output: mapEventIterator(answer.output, { value, error }) };
    } catch (error) {
      throw told(error);
    }
  });
  return os.router({
    program: {
      info: os.program.info.handler(() => programInfo(parts.host, parts.dataFolder)),
      licences: os.program.licences.handler(() => readLicences()),
      doctor: os.program.doctor.handler(async ({ input, signal }) => {
        const { examineMachine } = await import('../doctor/examine-machine.ts');
        return await examineMachine(input, { signal });
      }),
      changes: os.program.changes.handler(({ signal }) => changes.watch(signal)),
    },
    settings: {
      get: os.settings.get.handler(() => settings.get()),
      change: os.settings.change.handler(({ input }) => settings.change(input)),
    },
    models: {
      list: os.models.list.handler(() => models.list()),
      get: os.models.get.handler(({ input }) => models.get(input.id)),
      kept: os.models.kept.handler(({ input }) => models.kept(input.id)),
      addFolder: os.models.addFolder.handler(({ input }) => models.add(input.folder)),
      addDemo: os.models.addDemo.handler(() => models.addDemo()),
      download: os.models.download.handler(({ input }) => ({ activity: downloads.start(input) })),
      evaluate: os.models.evaluate.handler(({ input }) => ({ activity: evaluations.start(input.id) })),
      measureSensitivity: os.models.measureSensitivity.handler(({ input }) => ({
        activity: sensitivities.start(input.id),
      })),
      sensitivity: os.models.sensitivity.handler(({ input }) => sensitivities.of(input.id)),
      remove: os.models.remove.handler(async ({ input }) => {
        const model = models.stored(input.id);
        const busy = store.runs.list(input.id).find(({ state }) => ACTIVE_STATES.has(state));
        if (busy !== undefined) {
          throw new ClaqError('library/busy', 'A run of this model is still going on', {
            where: model.name,
            found: busy.state,
            remedy: 'cancel it first',
          });
        }
        models.remove(input.id);
        analyses.forget(input.id);
        sensitivities.forget(input.id);
        await statistics.forget(input.id, model.folder);
        if (input.deleteDownload && model.source.kind === 'hub') await downloads.removeFiles(model.folder);
      }),
    },
    runs: {
      list: os.runs.list.handler(({ input }) => store.runs.list(input.modelId)),
      get: os.runs.get.handler(({ input }) => storedRun(store, input.id)),
      preflight: os.runs.preflight.handler(({ input }) => preflight.of(input)),
      start: os.runs.start.handler(({ input }) => runs.start(input)),
      pause: os.runs.pause.handler(({ input }) => runs.pause(input.id)),
      resume: os.runs.resume.handler(({ input }) => runs.resume(input.id)),
      cancel: os.runs.cancel.handler(({ input }) => runs.cancel(input.id)),
      move: os.runs.move.handler(({ input }) => runs.move(input.id, input.places)),
      remove: os.runs.remove.handler(({ input }) => runs.remove(input.id, input.deleteFolder)),
      watch: os.runs.watch.handler(({ input, signal }) => {
        storedRun(store, input.id);
        return watch.watch(input.id, signal);
      }),
      addFolder: os.runs.addFolder.handler(async ({ input }) => {
        const { addRunFolder } = await import('./add-run-folder.ts');
        return cardOf(await addRunFolder(parts, input.folder));
      }),
    },
    statistics: {
      measure: os.statistics.measure.handler(({ input }) => statistics.measure(input.id)),
      watch: os.statistics.watch.handler(({ input, signal }) => statistics.watch(input.id, signal)),
      matrix: os.statistics.matrix.handler(({ input }) => statistics.matrix(input)),
      orders: os.statistics.orders.handler(({ input, signal }) =>
        statistics.orders(input.id, input.s, signal),
      ),
      entries: os.statistics.entries.handler(({ input, signal }) => statistics.entries(input, signal)),
      column: os.statistics.column.handler(({ input, signal }) => statistics.column(input, signal)),
    },
    budgets: {
      list: os.budgets.list.handler(() => savedBudgets.list()),
      save: os.budgets.save.handler(({ input }) => savedBudgets.save(input)),
      remove: os.budgets.remove.handler(({ input }) => savedBudgets.remove(input.id)),
      analyse: os.budgets.analyse.handler(({ input }) => analyses.analyse(input.id)),
      profile: os.budgets.profile.handler(({ input, signal }) => analyses.profile(input.id, input.s, signal)),
      benefit: os.budgets.benefit.handler(({ input, signal }) =>
        analyses.benefit(input.id, input.budgets, signal),
      ),
      foretell: os.budgets.foretell.handler(({ input: { id, ...budget }, signal }) =>
        analyses.foretell(id, budget, signal),
      ),
      foretellColumns: os.budgets.foretellColumns.handler(({ input: { id, ...budget }, signal }) =>
        analyses.foretellColumns(id, budget, signal),
      ),
    },
    exports: {
      start: os.exports.start.handler(({ input }) => ({
        activity: exporter.start(input.of, input.target, input.folder),
      })),
      discard: os.exports.discard.handler(({ input }) =>
        exporter.discard(input.of, input.target, input.folder),
      ),
      list: os.exports.list.handler(({ input }) => store.exports.list(input.of)),
      remove: os.exports.remove.handler(({ input }) => removeExport(parts, input.id, input.deleteFolder)),
    },
    engine: {
      setUp: os.engine.setUp.handler(({ input }) => ({ activity: startEngineSetup(activities, input) })),
      remove: os.engine.remove.handler(async ({ input }) => {
        const { removeTensorflow } = await import('../tensorflow-setup/remove-tensorflow.ts');
        const { bytes } = await removeTensorflow(input);
        return { bytes };
      }),
    },
    activities: {
      watch: os.activities.watch.handler(({ signal }) => activities.watch(signal)),
      cancel: os.activities.cancel.handler(({ input }) => activities.cancel(input.id)),
      dismiss: os.activities.dismiss.handler(({ input }) => activities.dismiss(input.id)),
    },
    files: {
      list: os.files.list.handler(({ input }) => {
        const { runsFolder, modelsFolder } = settings.get();
        return listFolder(input.folder, [
          { name: 'Models', path: modelsFolder },
          { name: 'Runs', path: runsFolder },
        ]);
      }),
    },
  });
}

function isEvents(output: unknown): output is AsyncIteratorObject<unknown, unknown, undefined> {
  return typeof output === 'object' && output !== null && Symbol.asyncIterator in output;
}

function storedRun(store: Store, id: RunId): RunDetail {
  const run = store.runs.get(id);
  if (run === undefined) throw notFound('run', id);
  return run;
}

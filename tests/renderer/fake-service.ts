/** The contract, implemented in memory: what a window needs to show all its states without an engine. */
import { setTimeout as delay } from 'node:timers/promises';
import { implement } from '@orpc/server';
import type { StudioRouter } from '../../main/service/studio/router.ts';
import { contract } from '../../shared/contract.ts';
import { ClaqError, plainError } from '../../shared/errors.ts';
import { exportFolderName } from '../../shared/exports.ts';
import type { ModelCard } from '../../shared/library.ts';
import { exportIdSchema, type RunDetail, type RunEvent, runIdSchema } from '../../shared/runs.ts';
import { savedBudgetIdSchema } from '../../shared/saved-budgets.ts';
import { settingsSchema } from '../../shared/settings.ts';
import { cardOf, demoModel, keptOf, knownModel, someRun } from './fake-library.ts';
import { DOCTOR, folderListing, LICENCES, PREFLIGHT, PROGRAM } from './fake-machine.ts';
import {
  addActivity,
  changeActivity,
  changeRun,
  keepRunning,
  sendActivities,
  startNext,
  transfer,
} from './fake-progress.ts';
import { fakeSensitivity, measureSensitivity } from './fake-sensitivity.ts';
import {
  analyse,
  benefitCurves,
  foretoldBudget,
  columnView,
  lossProfile,
  matrixEntries,
  matrixStatistics,
  measure,
  outlierOrders,
  watchStatistics,
} from './fake-statistics.ts';
import { fakeState, recount, type FakeState, type Scenario } from './fake-state.ts';

export interface FakeService {
  readonly router: StudioRouter;
  readonly state: FakeState;
  stop(): void;
}

function notThere(what: string, id: number): ClaqError {
  return new ClaqError('request/invalid', `There is no such ${what}`, {
    where: `${what} ${id}`,
    remedy: 'go back to the list: it may have been removed',
  });
}

function modelOf(state: FakeState, id: number): ModelCard {
  const model = state.models.find((each) => each.id === id);
  if (model === undefined) throw notThere('model', id);
  return model;
}

function runOf(state: FakeState, id: number): RunDetail {
  const run = state.runs.find((each) => each.id === id);
  if (run === undefined) throw notThere('run', id);
  return run;
}

/** Lists that cannot be had, or never come. */
async function listing<T>(state: FakeState, list: T): Promise<T> {
  if (state.scenario === 'loading') await delay(3_600_000, undefined, { ref: false });
  if (state.scenario === 'failing') {
    throw new ClaqError('result/malformed', 'The library cannot be read', {
      where: '/home/ada/.local/share/claq-studio/library.db',
      expected: 'a database of version 4 or older',
      found: 'version 7, of a newer program',
      remedy: 'start the newer program, or restore the copy that was made before it',
    });
  }
  return list;
}

function addModel(state: FakeState, model: ModelCard): ModelCard {
  const there = state.models.find((each) => each.folder === model.folder);
  if (there !== undefined) return there;
  state.models = [...state.models, model];
  state.changes.send({ topic: 'models' });
  return model;
}

async function* eventsOf(
  state: FakeState,
  id: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<RunEvent, undefined> {
  const first = { id, event: { kind: 'run' as const, run: runOf(state, id) } };
  for await (const sent of state.runEvents.listen([first], signal)) if (sent.id === id) yield sent.event;
  return undefined;
}

export function fakeService(scenario: Scenario): FakeService {
  const state = fakeState(scenario);
  const running = keepRunning(state);
  const os = implement(contract).use(async ({ next, errors }) => {
    try {
      return await next();
    } catch (error) {
      if (!(error instanceof ClaqError)) throw error;
      throw errors.CLAQ({ message: error.message, data: plainError(error) });
    }
  });

  function setRun(id: number, runState: RunDetail['state']): undefined {
    const before = runOf(state, id);
    const run = changeRun(state, id, { state: runState });
    if (run !== undefined) state.runEvents.send({ id, event: { kind: 'run', run } });
    const activity = state.activities.find((each) => each.runId === id && each.kind === 'quantize');
    if (activity !== undefined && runState !== 'queued' && before.state === 'running') {
      state.activities = state.activities.filter((each) => each !== activity);
      sendActivities(state);
    }
    startNext(state);
    return undefined;
  }

  const router: StudioRouter = os.router({
    program: {
      info: os.program.info.handler(() => PROGRAM),
      licences: os.program.licences.handler(() => LICENCES),
      doctor: os.program.doctor.handler(async ({ input }) => {
        await delay(600);
        return { ...DOCTOR, engine: input.engine };
      }),
      changes: os.program.changes.handler(({ signal }) => state.changes.listen([], signal)),
    },
    settings: {
      get: os.settings.get.handler(() => state.settings),
      change: os.settings.change.handler(({ input }) => {
        state.settings = settingsSchema.parse({ ...state.settings, ...input });
        state.changes.send({ topic: 'settings' });
        return state.settings;
      }),
    },
    models: {
      list: os.models.list.handler(() => listing(state, state.models)),
      get: os.models.get.handler(({ input }) => modelOf(state, input.id)),
      kept: os.models.kept.handler(({ input }) => keptOf(modelOf(state, input.id))),
      addFolder: os.models.addFolder.handler(({ input }) => {
        const name = input.folder.split('/').at(-1) ?? '';
        const index = ['SmolLM2-135M-Instruct', 'Qwen3-0.6B', 'Llama-2-7b-hf', 'Mistral-7B-v0.1'].indexOf(
          name,
        );
        if (index < 0) {
          throw new ClaqError('model/not-a-model-folder', 'This is no model folder', {
            where: input.folder,
            expected: 'config.json, tokenizer.json and weights as safetensors',
            found: 'no config.json',
            remedy: 'choose the folder that holds config.json',
          });
        }
        return addModel(state, {
          ...knownModel(state.nextId++, index),
          folder: input.folder,
          source: { kind: 'folder' },
        });
      }),
      addDemo: os.models.addDemo.handler(() => addModel(state, demoModel(state.nextId++))),
      download: os.models.download.handler(({ input }) => {
        const activity = addActivity(state, 'download', input.repository, {});
        transfer(state, activity, `Downloading ${input.revision}`, 269_060_552, 4, () => {
          const model = knownModel(state.nextId++, 0);
          addModel(state, { ...model, folder: `/data/models/${input.repository}` });
          changeActivity(state, activity, { modelId: model.id });
        });
        return { activity };
      }),
      evaluate: os.models.evaluate.handler(({ input }) => {
        const { name, id } = modelOf(state, input.id);
        return { activity: addActivity(state, 'evaluate', `${name}, perplexity`, { modelId: id }) };
      }),
      measureSensitivity: os.models.measureSensitivity.handler(({ input }) =>
        measureSensitivity(state, modelOf(state, input.id)),
      ),
      sensitivity: os.models.sensitivity.handler(({ input }) => {
        const model = modelOf(state, input.id);
        return state.sensed.has(model.id) ? fakeSensitivity(model) : null;
      }),
      remove: os.models.remove.handler(({ input }) => {
        modelOf(state, input.id);
        state.models = state.models.filter((each) => each.id !== input.id);
        state.runs = state.runs.filter((each) => each.modelId !== input.id);
        state.changes.send({ topic: 'models' });
        state.changes.send({ topic: 'runs' });
        return undefined;
      }),
    },
    runs: {
      list: os.runs.list.handler(({ input }) =>
        listing(
          state,
          state.runs
            .filter((run) => input.modelId === undefined || run.modelId === input.modelId)
            .map(cardOf),
        ),
      ),
      get: os.runs.get.handler(({ input }) => runOf(state, input.id)),
      preflight: os.runs.preflight.handler(async ({ input }) => {
        modelOf(state, input.modelId);
        await delay(200);
        return PREFLIGHT;
      }),
      start: os.runs.start.handler(({ input }) => {
        const id = state.nextId++;
        const run = {
          ...someRun(id, modelOf(state, input.modelId), 'queued', 0),
          queuedAt: new Date().toISOString(),
        };
        state.runs = [{ ...run, choices: input.choices }, ...state.runs];
        recount(state);
        state.changes.send({ topic: 'runs' });
        startNext(state);
        return cardOf(runOf(state, id));
      }),
      pause: os.runs.pause.handler(({ input }) => setRun(input.id, 'paused')),
      resume: os.runs.resume.handler(({ input }) => setRun(input.id, 'queued')),
      cancel: os.runs.cancel.handler(({ input }) => setRun(input.id, 'cancelled')),
      move: os.runs.move.handler(({ input }) => {
        const queued = state.runs.filter((run) => run.state === 'queued');
        const from = queued.findIndex((run) => run.id === input.id);
        const other = queued[from - input.places];
        const run = queued[from];
        if (run === undefined || other === undefined) return undefined;
        state.runs = state.runs.map((each) => (each === run ? other : each === other ? run : each));
        recount(state);
        state.changes.send({ topic: 'runs' });
        return undefined;
      }),
      remove: os.runs.remove.handler(({ input }) => {
        runOf(state, input.id);
        state.runs = state.runs.filter((run) => run.id !== input.id);
        recount(state);
        state.runEvents.send({ id: input.id, event: { kind: 'deleted' } });
        state.changes.send({ topic: 'runs' });
        return undefined;
      }),
      watch: os.runs.watch.handler(({ input, signal }) => {
        runOf(state, input.id);
        return eventsOf(state, input.id, signal);
      }),
      addFolder: os.runs.addFolder.handler(({ input }) => {
        const known = state.runs.find((run) => run.folder === input.folder);
        if (known !== undefined) return cardOf(known);
        const [model] = state.models;
        if (model === undefined || !input.folder.startsWith('/data/runs/')) {
          throw new ClaqError('request/invalid', 'This folder is not a run', {
            where: input.folder,
            expected: 'a folder that a quantization has made, with a run.json',
            found: 'no run.json',
            remedy: 'name the folder of a run; to have one, quantize a model first',
          });
        }
        const run = { ...someRun(state.nextId++, model, 'complete', 0), folder: input.folder };
        state.runs = [run, ...state.runs];
        recount(state);
        state.changes.send({ topic: 'runs' });
        return cardOf(run);
      }),
    },
    statistics: {
      measure: os.statistics.measure.handler(({ input }) => measure(state, modelOf(state, input.id))),
      watch: os.statistics.watch.handler(({ input, signal }) =>
        watchStatistics(state, modelOf(state, input.id), signal),
      ),
      matrix: os.statistics.matrix.handler(({ input }) =>
        matrixStatistics(state, modelOf(state, input.id), input),
      ),
      orders: os.statistics.orders.handler(({ input }) =>
        outlierOrders(state, modelOf(state, input.id), input.s),
      ),
      entries: os.statistics.entries.handler(({ input }) =>
        matrixEntries(state, modelOf(state, input.id), input),
      ),
      column: os.statistics.column.handler(({ input }) => columnView(state, modelOf(state, input.id), input)),
    },
    budgets: {
      list: os.budgets.list.handler(() => state.budgets),
      save: os.budgets.save.handler(({ input }) => {
        const known = state.budgets.find(({ name }) => name === input.name);
        const id = known?.id ?? savedBudgetIdSchema.parse(state.nextId++);
        const saved = { ...input, id, savedAt: new Date().toISOString() };
        state.budgets = [...state.budgets.filter((each) => each !== known), saved];
        state.changes.send({ topic: 'budgets' });
        return saved;
      }),
      remove: os.budgets.remove.handler(({ input }) => {
        state.budgets = state.budgets.filter(({ id }) => id !== input.id);
        state.changes.send({ topic: 'budgets' });
        return undefined;
      }),
      analyse: os.budgets.analyse.handler(({ input }) => analyse(state, modelOf(state, input.id))),
      profile: os.budgets.profile.handler(({ input }) =>
        lossProfile(state, modelOf(state, input.id), input.s),
      ),
      benefit: os.budgets.benefit.handler(({ input }) =>
        benefitCurves(state, modelOf(state, input.id), input.budgets),
      ),
      foretell: os.budgets.foretell.handler(
        ({ input }) => foretoldBudget(state, modelOf(state, input.id), input)?.classes ?? null,
      ),
      foretellColumns: os.budgets.foretellColumns.handler(
        ({ input }) => foretoldBudget(state, modelOf(state, input.id), input)?.columns ?? null,
      ),
    },
    exports: {
      start: os.exports.start.handler(({ input }) => {
        const { of, target } = input;
        const run = runOf(state, 'runId' in of ? of.runId : runIdSchema.parse(1));
        state.activities = state.activities.filter(
          (each) => each.kind !== 'export' || each.runId !== run.id || each.state !== 'cancelled',
        );
        const folder = input.folder ?? `${run.folder}/${exportFolderName(target)}`;
        const activity = addActivity(state, 'export', `${run.modelName}, ${run.budget}`, {
          runId: run.id,
          exporting: { target, folder: input.folder ?? null },
          note: state.keptExports.has(folder)
            ? 'Going on with an earlier export: 2 of 4 weights files are there'
            : null,
        });
        state.keptExports.add(folder);
        transfer(state, activity, 'Writing the model', 6_302_416, 3, () => {
          const card = {
            id: exportIdSchema.parse(state.nextId++),
            runId: run.id,
            modelId: null,
            target,
            folder,
            files: 4,
            bytes: 6_302_416,
            seconds: 3,
            check: {
              tensors: 147,
              maxRounding: target.dtype === 'source' ? 0 : 0.00012,
              perplexity: { windows: 2, contextLength: 256, expected: 21.437, found: 21.437 },
            },
            createdAt: new Date().toISOString(),
          };
          const changed = changeRun(state, run.id, { exports: [...runOf(state, run.id).exports, card] });
          if (changed !== undefined)
            state.runEvents.send({ id: run.id, event: { kind: 'run', run: changed } });
        });
        return { activity };
      }),
      discard: os.exports.discard.handler(({ input }) => {
        const run = runOf(state, 'runId' in input.of ? input.of.runId : runIdSchema.parse(1));
        state.keptExports.delete(input.folder ?? `${run.folder}/${exportFolderName(input.target)}`);
        return undefined;
      }),
      list: os.exports.list.handler(({ input: { of } }) =>
        'runId' in of ? runOf(state, of.runId).exports : [],
      ),
      remove: os.exports.remove.handler(({ input }) => {
        for (const run of state.runs.filter((each) => each.exports.some(({ id }) => id === input.id))) {
          changeRun(state, run.id, { exports: run.exports.filter(({ id }) => id !== input.id) });
        }
        return undefined;
      }),
    },
    engine: {
      setUp: os.engine.setUp.handler(({ input }) => {
        const name = input.gpu ? 'TensorFlow for GPUs' : 'TensorFlow for CPUs';
        const activity = addActivity(state, 'setup', name, {});
        transfer(state, activity, 'Fetching tensorflow 2.21.0', 274_000_000, 5, () => undefined);
        return { activity };
      }),
      remove: os.engine.remove.handler(() => ({ bytes: 853_000_000 })),
    },
    activities: {
      watch: os.activities.watch.handler(({ signal }) =>
        state.activityLists.listen([state.activities], signal),
      ),
      cancel: os.activities.cancel.handler(({ input }) => {
        const activity = state.activities.find((each) => each.id === input.id);
        if (activity?.runId !== undefined && activity.runId !== null && activity.kind === 'quantize') {
          setRun(activity.runId, 'cancelled');
          return;
        }
        changeActivity(state, input.id, { state: 'cancelled' });
        return undefined;
      }),
      dismiss: os.activities.dismiss.handler(({ input }) => {
        state.activities = state.activities.filter((each) => each.id !== input.id);
        sendActivities(state);
        return undefined;
      }),
    },
    files: {
      list: os.files.list.handler(({ input }) => {
        const found = folderListing(input.folder);
        if (found === undefined) {
          throw new ClaqError('request/invalid', 'There is no such folder', { where: input.folder ?? '' });
        }
        return found;
      }),
    },
  });
  return { router, state, stop: () => running.stop() };
}

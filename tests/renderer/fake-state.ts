/** What the fake service knows, by scenario. */
import type { Activity } from '../../shared/activity.ts';
import { activityIdSchema } from '../../shared/activity.ts';
import type { Change } from '../../shared/contract.ts';
import type { ModelCard } from '../../shared/library.ts';
import type { RunDetail, RunEvent, RunState } from '../../shared/runs.ts';
import type { SavedBudget } from '../../shared/saved-budgets.ts';
import type { Settings } from '../../shared/settings.ts';
import type { StatisticsEvent } from '../../shared/statistics.ts';
import { Channel } from './channel.ts';
import { demoModel, DISK_FULL, knownModel, perplexity, someRun } from './fake-library.ts';

/**
 * `empty`: a first start. `demo`: some models and runs in every state. `many`: 200 models, 2,000 runs. `running`: a run in
 * progress that sends 60 events a second. `failing`: lists that cannot be had, activities that failed. `loading`: lists that
 * never come.
 */
export const SCENARIOS = ['empty', 'demo', 'many', 'running', 'failing', 'loading'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface FakeState {
  readonly scenario: Scenario;
  models: ModelCard[];
  runs: RunDetail[];
  activities: Activity[];
  settings: Settings;
  budgets: SavedBudget[];
  /** By model: how many of its matrices are measured, from the first on. */
  readonly measured: Map<number, number>;
  /** Models whose columns are analysed. */
  readonly analysed: Set<number>;
  /** Models whose sensitivity is measured. */
  readonly sensed: Set<number>;
  /** Folders of exports that were begun. */
  readonly keptExports: Set<string>;
  /** Sixtieths of a second that measuring a model in any way takes. */
  walkTicks: number;
  /** Models of which measuring in any way fails. */
  readonly unreadable: Set<number>;
  /** Of what is made next. */
  nextId: number;
  readonly changes: Channel<Change>;
  readonly activityLists: Channel<Activity[]>;
  readonly runEvents: Channel<{ readonly id: number; readonly event: RunEvent }>;
  readonly statisticsEvents: Channel<{ readonly id: number; readonly event: StatisticsEvent }>;
}

const SETTINGS: Settings = {
  theme: 'system',
  engine: 'auto',
  forwardPrecision: 'float32',
  threads: null,
  hostMemory: null,
  runsFolder: '/data/runs',
  modelsFolder: '/data/models',
  calibrationText: null,
};

export function fakeState(scenario: Scenario): FakeState {
  const state: FakeState = {
    scenario,
    models: [],
    runs: [],
    activities: [],
    keptExports: new Set(),
    settings: SETTINGS,
    budgets: [],
    measured: new Map(),
    analysed: new Set(),
    sensed: new Set(),
    walkTicks: 120,
    unreadable: new Set(),
    nextId: 10_000,
    changes: new Channel(),
    activityLists: new Channel(),
    runEvents: new Channel(),
    statisticsEvents: new Channel(),
  };
  if (scenario === 'many') fill(state, 200, 2000);
  else if (scenario !== 'empty') fillByHand(state);
  recount(state);
  return state;
}

function fill(state: FakeState, models: number, runs: number): void {
  state.models = Array.from({ length: models }, (_, index) => knownModel(index + 1, index));
  state.runs = Array.from({ length: runs }, (_, index) => {
    const model = state.models[index % models];
    if (model === undefined) throw new RangeError('there are no models');
    return someRun(index + 1, model, index % 17 === 0 ? 'failed' : 'complete');
  }).reverse();
}

const STATES: readonly RunState[] = [
  'complete',
  'complete',
  'failed',
  'paused',
  'interrupted',
  'cancelled',
  'complete',
];

function fillByHand(state: FakeState): void {
  const demo = demoModel(1);
  const [small, qwen, llama, mistral] = [0, 1, 2, 3].map((index) => knownModel(index + 2, index));
  if (small === undefined || qwen === undefined || llama === undefined || mistral === undefined) return;
  state.models = [demo, small, qwen, llama, { ...mistral, missing: true }];
  state.runs = [
    ...STATES.map((runState, index) => someRun(index + 1, index < 4 ? demo : small, runState)),
    someRun(8, llama, 'complete'),
  ].reverse();
  if (state.scenario !== 'running' && state.scenario !== 'failing') return;
  const running = someRun(20, small, 'running', 0);
  state.runs.unshift(someRun(22, demo, 'queued', 1), someRun(21, qwen, 'queued', 2), running);
  state.activities = [
    {
      id: activityIdSchema.parse('run-20'),
      kind: 'quantize',
      title: `${small.name}, 2.12 bits`,
      state: 'running',
      pace: null,
      runId: running.id,
      modelId: small.id,
      exporting: null,
      note: null,
      error: null,
      startedAt: running.queuedAt,
    },
    {
      id: activityIdSchema.parse('export-3'),
      kind: 'export',
      title: 'Demo model, 3 bits, as dense F16',
      state: 'done',
      pace: null,
      runId: state.runs.at(-2)?.id ?? null,
      modelId: demo.id,
      exporting: null,
      note: null,
      error: null,
      startedAt: running.queuedAt,
    },
    {
      id: activityIdSchema.parse('download-1'),
      kind: 'download',
      title: 'Qwen/Qwen3-1.7B',
      state: 'failed',
      pace: null,
      runId: null,
      modelId: null,
      exporting: null,
      note: null,
      error: DISK_FULL,
      startedAt: running.queuedAt,
    },
  ];
}

/** Counts of runs and the latest baseline, as the library shows them of each model. */
export function recount(state: FakeState): void {
  // The latest stand first: a run's turn comes behind those that stand below it.
  const turns = state.runs.filter((run) => run.state === 'queued').toReversed();
  state.runs = state.runs.map((run) =>
    run.state === 'queued' ? { ...run, ahead: turns.indexOf(run) } : run,
  );
  state.models = state.models.map((model) => {
    const own = state.runs.filter((run) => run.modelId === model.id);
    const complete = own.filter((run) => run.state === 'complete');
    return {
      ...model,
      runs: { complete: complete.length, open: own.length - complete.length },
      baseline:
        complete[0]?.figures?.before ?? (model.name === 'Llama-2-7b-hf' ? perplexity(5.47, 2048) : null),
    };
  });
}

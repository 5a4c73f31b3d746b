/** Long things that seem to go on: a run that fills its matrices, downloads, exports. */
import { activityIdSchema, type Activity, type ActivityId } from '../../shared/activity.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';
import type { Pace, RunDetail, RunEvent } from '../../shared/runs.ts';
import type { ModelCard } from '../../shared/library.ts';
import { cardOf, matrixResult, someRun } from './fake-library.ts';
import { recount, type FakeState } from './fake-state.ts';

const TICK = 1000 / 60;
/** Ticks a matrix takes. */
const MATRIX_TICKS = 30;

export interface Ticking {
  stop(): void;
}

/** Calls 60 times a second, whatever the timers round to. */
export function sixtyTimesASecond(tick: (count: number) => void): Ticking {
  const start = performance.now();
  let count = 0;
  const timer = setInterval(() => {
    for (const due = (performance.now() - start) / TICK; count < due; count++) tick(count);
  }, TICK / 2);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

export function sendActivities(state: FakeState): void {
  state.activityLists.send(state.activities);
}

export function changeActivity(state: FakeState, id: ActivityId, change: Partial<Activity>): void {
  state.activities = state.activities.map((activity) =>
    activity.id === id ? { ...activity, ...change } : activity,
  );
  sendActivities(state);
}

export function changeRun(state: FakeState, id: number, change: Partial<RunDetail>): RunDetail | undefined {
  state.runs = state.runs.map((run) => (run.id === id ? { ...run, ...change } : run));
  recount(state);
  state.changes.send({ topic: 'runs' });
  return state.runs.find((run) => run.id === id);
}

function sendRun(state: FakeState, id: number, event: RunEvent): void {
  state.runEvents.send({ id, event });
}

/** Takes the first run that runs through its matrices, and the queue behind it. */
export function keepRunning(state: FakeState): Ticking {
  let ticks = 0;
  return sixtyTimesASecond(() => {
    const run = state.runs.find((each) => each.state === 'running');
    const model = state.models.find((each) => each.id === run?.modelId);
    if (run === undefined || model === undefined) return;
    ticks++;
    tell(state, run, ticks);
    if (ticks % MATRIX_TICKS === 0) nextMatrix(state, run, model);
  });
}

function tell(state: FakeState, run: RunDetail, ticks: number): void {
  const within = (ticks % MATRIX_TICKS) / MATRIX_TICKS;
  const done = run.matrices.length + within;
  const pace: Pace = {
    progress: {
      phase: `Quantizing block ${Math.floor(run.matrices.length / 7) + 1} of ${run.blocks}`,
      done: Math.floor(done),
      total: run.matricesTotal,
      unit: 'matrices',
      detail: `model.layers.${Math.floor(run.matrices.length / 7)}.${MATRIX_KINDS[run.matrices.length % 7] ?? 'q'}`,
    },
    rate: 60 / MATRIX_TICKS,
    secondsLeft: ((run.matricesTotal - done) * MATRIX_TICKS) / 60,
  };
  sendRun(state, run.id, { kind: 'pace', pace });
  const activity = state.activities.find((each) => each.runId === run.id && each.kind === 'quantize');
  if (activity !== undefined) changeActivity(state, activity.id, { pace, state: 'running' });
  if (ticks % 60 !== 1) return;
  sendRun(state, run.id, {
    kind: 'load',
    load: {
      at: Date.now(),
      memoryBytes: 1.9e9 + 3e8 * Math.sin(ticks / 400),
      processor: 0.86 + 0.1 * Math.sin(ticks / 130),
      gpu: null,
    },
  });
}

function nextMatrix(state: FakeState, run: RunDetail, model: ModelCard): void {
  const index = run.matrices.length;
  const kind = MATRIX_KINDS[index % MATRIX_KINDS.length] ?? 'q';
  const matrix = matrixResult(model.description, Math.floor(index / MATRIX_KINDS.length), kind, 2.12);
  const matrices = [...run.matrices, matrix];
  const note = {
    at: new Date().toISOString(),
    line: `${kind} of block ${matrix.block + 1}: loss ${matrix.loss?.toFixed(1) ?? ''}`,
  };
  const changed = changeRun(state, run.id, {
    matrices,
    matricesDone: matrices.length,
    notes: [...run.notes, note],
  });
  sendRun(state, run.id, { kind: 'matrices', matrices: [matrix] });
  sendRun(state, run.id, { kind: 'note', note });
  if (changed !== undefined && matrices.length >= run.matricesTotal) complete(state, changed, model);
}

function complete(state: FakeState, run: RunDetail, model: ModelCard): void {
  const { figures } = someRun(run.id, model, 'complete', 0);
  const changed = changeRun(state, run.id, { state: 'complete', figures, endedAt: new Date().toISOString() });
  if (changed !== undefined) sendRun(state, run.id, { kind: 'run', run: changed });
  const activity = state.activities.find((each) => each.runId === run.id && each.kind === 'quantize');
  if (activity !== undefined) changeActivity(state, activity.id, { state: 'done' });
  startNext(state);
}

/** The run that has waited longest begins. */
export function startNext(state: FakeState): void {
  if (state.runs.some((run) => run.state === 'running')) return;
  const next = state.runs.filter((run) => run.state === 'queued').at(-1);
  if (next === undefined) return;
  const changed = changeRun(state, next.id, {
    state: 'running',
    ahead: null,
    startedAt: new Date().toISOString(),
  });
  if (changed === undefined) return;
  sendRun(state, next.id, { kind: 'run', run: changed });
  addActivity(state, 'quantize', `${cardOf(changed).modelName}, ${changed.budget}`, {
    runId: next.id,
    modelId: next.modelId,
  });
}

export function addActivity(
  state: FakeState,
  kind: Activity['kind'],
  title: string,
  of: Partial<Pick<Activity, 'runId' | 'modelId' | 'exporting' | 'note'>>,
): ActivityId {
  const id = activityIdSchema.parse(`${kind}-${state.nextId++}`);
  const fresh: Activity = {
    id,
    kind,
    title,
    state: 'running',
    pace: null,
    runId: of.runId ?? null,
    modelId: of.modelId ?? null,
    exporting: of.exporting ?? null,
    note: of.note ?? null,
    error: null,
    startedAt: new Date().toISOString(),
  };
  state.activities = [fresh, ...state.activities];
  sendActivities(state);
  return id;
}

/** Bytes that arrive over some seconds; then `done` is called, unless it was cancelled. */
export function transfer(
  state: FakeState,
  id: ActivityId,
  phase: string,
  total: number,
  seconds: number,
  done: () => void,
): void {
  const ticking = sixtyTimesASecond((count) => {
    const share = Math.min(1, count / 60 / seconds);
    if (state.activities.find((each) => each.id === id)?.state !== 'running') {
      ticking.stop();
      return;
    }
    const pace: Pace = {
      progress: { phase, done: Math.round(total * share), total, unit: 'bytes' },
      rate: total / seconds,
      secondsLeft: seconds * (1 - share),
    };
    changeActivity(state, id, { pace });
    if (share < 1) return;
    ticking.stop();
    changeActivity(state, id, { state: 'done' });
    done();
  });
}

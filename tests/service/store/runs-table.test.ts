import { beforeEach, describe, expect, it } from 'vitest';
import type { Store } from '../../../main/service/store/store.ts';
import type { ModelId } from '../../../shared/library.ts';
import { type RunId, runIdSchema } from '../../../shared/runs.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { FIGURES, MODEL, addWholeModel, matrix, newExport, newRun } from './samples.ts';
import { rowCounts, temporaryStore } from './temporary-store.ts';

const UNKNOWN = runIdSchema.parse(99);
const NOW = '2026-03-02T00:00:00.000Z';

let store: Store;
let file = '';
let modelId: ModelId;
beforeEach(async () => {
  ({ store, file } = await temporaryStore());
  modelId = store.models.insert(MODEL);
});

/** Numbers of runs that wait, by the one whose turn is next first. */
function waiting(): number[] {
  const runs = store.runs.list().filter(({ ahead }) => ahead !== null);
  return runs.toSorted((a, b) => (a.ahead ?? 0) - (b.ahead ?? 0)).map(({ id }) => id);
}

function addRuns(count: number): RunId[] {
  return Array.from({ length: count }, (_, number) => store.runs.insert(newRun(modelId, `/runs/${number}`)));
}

function addRun(): RunId {
  return store.runs.insert(newRun(modelId));
}

describe('a run', () => {
  it('is given back as it was asked for', () => {
    const asked = newRun(modelId);
    const id = store.runs.insert(asked);
    const { choices, blocks, ...card } = {
      ...asked,
      id,
      modelName: MODEL.name,
      state: 'queued',
      startedAt: null,
      endedAt: null,
      ahead: 0,
      matricesDone: 0,
      figures: null,
      error: null,
    };
    expect(store.runs.list()).toStrictEqual([card]);
    expect(store.runs.get(id)).toEqual({
      ...card,
      choices,
      blocks,
      engine: null,
      matrices: [],
      notes: [],
      exports: [],
    });
    expect(store.runs.get(UNKNOWN)).toBeUndefined();
  });

  it('belongs to a model', async () => {
    store.models.remove(modelId);
    expect(await thrownBy(() => store.runs.insert(newRun(modelId)))).toMatchObject({
      code: 'library/not-found',
    });
  });

  it('is listed with the others, latest first, or with those of its model', () => {
    const [first, second] = addRuns(2);
    const other = addWholeModel(store, 'other');
    expect(store.runs.list().map(({ id }) => id)).toEqual([other.runId, second, first]);
    expect(store.runs.list(modelId).map(({ id }) => id)).toEqual([second, first]);
    expect(store.runs.list(other.modelId).map(({ modelName }) => modelName)).toEqual(['other']);
  });

  it('tells how it began, what computes, and how it failed', () => {
    const id = addRun();
    store.runs.setState(id, 'running', { startedAt: NOW });
    store.runs.setState(id, 'running', { engine: 'TensorFlow 2.21.0 on the CPU' });
    expect(store.runs.get(id)).toMatchObject({
      state: 'running',
      startedAt: NOW,
      endedAt: null,
      engine: 'TensorFlow 2.21.0 on the CPU',
    });
    const error = { code: 'engine/out-of-memory', message: 'Too little', remedy: 'fewer segments' } as const;
    store.runs.setState(id, 'failed', { endedAt: NOW, error });
    expect(store.runs.get(id)).toMatchObject({ state: 'failed', startedAt: NOW, endedAt: NOW, error });
    store.runs.setState(id, 'cancelled');
    expect(store.runs.get(id)).toMatchObject({ state: 'cancelled', endedAt: NOW, error: null });
  });

  it('has figures once it is complete', () => {
    const id = addRun();
    store.runs.setState(id, 'failed', { error: { code: 'output/disk-full', message: 'The disk is full' } });
    store.runs.complete(id, FIGURES, NOW);
    expect(store.runs.get(id)).toMatchObject({
      state: 'complete',
      ahead: null,
      endedAt: NOW,
      figures: FIGURES,
      error: null,
      matricesDone: 210,
    });
  });

  it('refuses figures that could not be read again', () => {
    const id = addRun();
    expect(() => {
      store.runs.complete(id, { ...FIGURES, storedBits: NaN }, NOW);
    }).toThrow('storedBits');
    expect(store.runs.get(id)?.state).toBe('queued');
  });

  it('is removed with all that belongs to it', () => {
    const { runId } = addWholeModel(store, 'a');
    store.runs.remove(runId);
    store.runs.remove(UNKNOWN);
    expect(store.runs.get(runId)).toBeUndefined();
    expect(rowCounts(file)).toMatchObject({ models: 2, runs: 0, matrices: 0, run_notes: 0, exports: 0 });
  });

  it('has to be there for what is said of it', async () => {
    for (const action of [
      () => store.runs.setState(UNKNOWN, 'running'),
      () => store.runs.enqueue(UNKNOWN),
      () => store.runs.complete(UNKNOWN, FIGURES, NOW),
      () => store.runs.addNote(UNKNOWN, { at: NOW, line: 'lost' }),
      () => store.runs.saveMatrices(UNKNOWN, [matrix(0, 'q')]),
    ]) {
      expect(await thrownBy(action)).toMatchObject({ code: 'library/not-found' });
    }
    store.runs.move(UNKNOWN, 1);
    expect(rowCounts(file)).toMatchObject({ runs: 0, matrices: 0, run_notes: 0 });
  });
});

describe('matrices, notes and exports of a run', () => {
  it('come in the order of computation', () => {
    const id = addRun();
    const results = [
      matrix(1, 'q'),
      matrix(0, 'down'),
      matrix(0, 'v', { loss: null }),
      matrix(0, 'o', { classes: [] }),
    ];
    store.runs.saveMatrices(id, results);
    expect(store.runs.get(id)?.matrices).toEqual([results[2], results[3], results[1], results[0]]);
    expect(store.runs.list()[0]?.matricesDone).toBe(4);
  });

  it('take the place of earlier results', () => {
    const id = addRun();
    store.runs.saveMatrices(id, [matrix(0, 'q'), matrix(0, 'k')]);
    const again = matrix(0, 'q', {
      loss: 1.5,
      bytes: 7,
      classes: [{ width: 3, reserved: 0, columns: 1536 }],
    });
    store.runs.saveMatrices(id, [again]);
    expect(store.runs.get(id)?.matrices).toEqual([again, matrix(0, 'k')]);
  });

  it('are saved all or none', () => {
    const id = addRun();
    expect(() => {
      store.runs.saveMatrices(id, [matrix(0, 'q'), matrix(0, 'k', { loss: Infinity })]);
    }).toThrow('loss');
    expect(store.runs.get(id)?.matrices).toEqual([]);
  });

  it('are kept in the order that they came', () => {
    const id = addRun();
    const notes = ['b', 'a', 'b'].map((line) => ({ at: NOW, line }));
    for (const note of notes) store.runs.addNote(id, note);
    const made = newExport(id);
    const [first, second] = [store.exports.insert(made), store.exports.insert(made)];
    expect(store.runs.get(id)).toMatchObject({
      notes,
      exports: [
        { ...made, id: second },
        { ...made, id: first },
      ],
    });
  });
});

describe('the queue', () => {
  it('takes runs in the order that they came', () => {
    expect(store.runs.nextQueued()).toBeUndefined();
    const runs = addRuns(3);
    expect(waiting()).toEqual(runs);
    expect(store.runs.nextQueued()).toBe(runs[0]);
  });

  it('lets go of a run that begins or is stopped', () => {
    const [first, second, third] = addRuns(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error('no runs');
    store.runs.setState(first, 'running', { startedAt: NOW });
    store.runs.setState(second, 'cancelled', { endedAt: NOW });
    expect(store.runs.get(first)?.ahead).toBeNull();
    expect(waiting()).toEqual([third]);
    expect(store.runs.get(third)?.ahead).toBe(0);
  });

  it('takes a run up again at its end', () => {
    const [first, second] = addRuns(2);
    if (first === undefined || second === undefined) throw new Error('no runs');
    store.runs.setState(first, 'running', { startedAt: NOW, engine: 'WebAssembly' });
    store.runs.setState(first, 'failed', {
      endedAt: NOW,
      error: { code: 'output/disk-full', message: 'The disk is full' },
    });
    store.runs.enqueue(first);
    expect(waiting()).toEqual([second, first]);
    expect(store.runs.get(first)).toMatchObject({
      state: 'queued',
      ahead: 1,
      startedAt: NOW,
      endedAt: null,
      error: null,
      engine: 'WebAssembly',
    });
  });

  it.each([
    { moved: 3, places: -1, order: [1, 3, 2, 4] },
    { moved: 3, places: -1000, order: [3, 1, 2, 4] },
    { moved: 1, places: 2, order: [2, 3, 1, 4] },
    { moved: 1, places: 1000, order: [2, 3, 4, 1] },
    { moved: 2, places: 0, order: [1, 2, 3, 4] },
  ])('moves run $moved by $places places', ({ moved, places, order }) => {
    addRuns(4);
    store.runs.move(runIdSchema.parse(moved), places);
    expect(waiting()).toEqual(order);
    const last = addRun();
    expect(waiting()).toEqual([...order, last]);
  });

  it('leaves a run that does not wait where it is', () => {
    const [first, second] = addRuns(2);
    if (first === undefined || second === undefined) throw new Error('no runs');
    store.runs.setState(first, 'running');
    store.runs.move(first, 1);
    expect(waiting()).toEqual([second]);
    expect(store.runs.get(first)?.state).toBe('running');
  });
});

it('finds the runs that a process which died was at', () => {
  const states = ['running', 'pausing', 'cancelling', 'failed', 'paused'] as const;
  const runs = addRuns(6);
  for (const [index, state] of states.entries()) store.runs.setState(runs[index] ?? UNKNOWN, state);
  expect(store.runs.interruptActive(NOW)).toEqual(runs.slice(0, 3));
  expect(store.runs.list().map(({ state, endedAt }) => [state, endedAt])).toEqual([
    ['queued', null],
    ['paused', null],
    ['failed', null],
    ['cancelled', NOW],
    ['paused', NOW],
    ['interrupted', NOW],
  ]);
  expect(store.runs.interruptActive(NOW)).toEqual([]);
});

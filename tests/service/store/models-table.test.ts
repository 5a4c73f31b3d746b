import { expect, it } from 'vitest';
import { modelIdSchema } from '../../../shared/library.ts';
import type { PerplexityFigure } from '../../../shared/run-record.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { FIGURES, MODEL, PERPLEXITY, addWholeModel, newRun } from './samples.ts';
import { rowCounts, temporaryStore } from './temporary-store.ts';

const UNKNOWN = modelIdSchema.parse(99);

it('gives back a model as it was added', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  const model = { ...MODEL, id, runs: { complete: 0, open: 0 }, baseline: null };
  expect(store.models.get(id)).toStrictEqual(model);
  expect(store.models.byFolder(MODEL.folder)).toStrictEqual(model);
  expect(store.models.list()).toStrictEqual([model]);
  expect(store.models.get(UNKNOWN)).toBeUndefined();
  expect(store.models.byFolder('/models')).toBeUndefined();
});

it('keeps a sliding window and the settings of the rotation', async () => {
  const { store } = await temporaryStore();
  const description = {
    ...MODEL.description,
    slidingWindow: 4096,
    ropeScaling: {
      type: 'llama3',
      factor: 8,
      lowFreqFactor: 1,
      highFreqFactor: 4,
      originalContextLength: 8192,
    },
  } as const;
  const id = store.models.insert({ ...MODEL, source: { kind: 'demo' }, description });
  expect(store.models.get(id)).toMatchObject({ source: { kind: 'demo' }, description });
});

it('lists by name, small and large letters alike', async () => {
  const { store } = await temporaryStore();
  for (const name of ['beta', 'Alpha', 'Gamma']) store.models.insert({ ...MODEL, name, folder: `/${name}` });
  expect(store.models.list().map(({ name }) => name)).toEqual(['Alpha', 'beta', 'Gamma']);
});

it('has one model a folder: adding it again changes nothing', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  expect(store.models.insert({ ...MODEL, name: 'another' })).toBe(id);
  expect(store.models.list().map(({ name }) => name)).toEqual([MODEL.name]);
});

it('counts runs, and takes the baseline of the one that ended last', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  const [first, second, third] = [1, 2, 3].map((number) => store.runs.insert(newRun(id, `/runs/${number}`)));
  const other = store.models.insert({ ...MODEL, folder: '/other' });
  if (first === undefined || second === undefined || third === undefined) throw new Error('no runs');
  const latest = { ...PERPLEXITY, perplexity: 15 };
  store.runs.complete(first, { ...FIGURES, before: latest }, '2026-03-03T00:00:00.000Z');
  store.runs.complete(second, FIGURES, '2026-03-02T00:00:00.000Z');
  expect(store.models.get(id)).toMatchObject({ runs: { complete: 2, open: 1 }, baseline: latest });
  store.runs.complete(third, { ...FIGURES, before: null }, '2026-03-04T00:00:00.000Z');
  expect(store.models.get(id)).toMatchObject({ runs: { complete: 3, open: 0 }, baseline: latest });
  expect(store.models.get(other)).toMatchObject({ runs: { complete: 0, open: 0 }, baseline: null });
});

it('counts every run that is not complete as open', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  for (const state of ['running', 'paused', 'cancelled', 'failed', 'interrupted'] as const) {
    store.runs.setState(store.runs.insert(newRun(id, `/runs/${state}`)), state);
  }
  expect(store.models.get(id)?.runs).toEqual({ complete: 0, open: 5 });
});

it('removes a model with all that belongs to it, and nothing else', async () => {
  const { store, file } = await temporaryStore();
  const { modelId, runId } = addWholeModel(store, 'a');
  addWholeModel(store, 'b');
  store.models.remove(modelId);
  store.models.remove(UNKNOWN);
  expect(store.models.get(modelId)).toBeUndefined();
  expect(store.runs.get(runId)).toBeUndefined();
  expect(store.models.list().map(({ name }) => name)).toEqual(['b']);
  expect(rowCounts(file)).toEqual({
    models: 1,
    runs: 1,
    matrices: 2,
    run_notes: 1,
    exports: 1,
    evaluations: 1,
    settings: 0,
    column_statistics: 1,
    outlier_counts: 2,
    analyses: 1,
    calibrations: 1,
    calibrated_groups: 1,
    sensitivities: 1,
    budgets: 0,
  });
});

it('never gives a number again', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  store.models.remove(id);
  expect(store.models.insert(MODEL)).toBe(id + 1);
});

it('takes a perplexity that was measured for its own sake for the baseline until a later one comes', async () => {
  const { store } = await temporaryStore();
  const id = store.models.insert(MODEL);
  const figure = (perplexity: number): PerplexityFigure => ({ ...PERPLEXITY, perplexity });
  store.evaluations.save(id, figure(20), '2026-03-01T10:00:00.000Z');
  store.evaluations.save(id, figure(21), '2026-03-02T10:00:00.000Z');
  expect(store.models.get(id)?.baseline).toEqual(figure(21));
  const runId = store.runs.insert(newRun(id));
  store.runs.complete(runId, { ...FIGURES, before: figure(22) }, '2026-03-01T12:00:00.000Z');
  expect(store.models.get(id)?.baseline).toEqual(figure(21));
  store.evaluations.save(id, figure(23), '2026-02-01T10:00:00.000Z');
  expect(store.models.get(id)?.baseline).toEqual(figure(22));
});

it('refuses an evaluation of a model that is not there', async () => {
  const { store } = await temporaryStore();
  const error = await thrownBy(() => store.evaluations.save(UNKNOWN, PERPLEXITY, ''));
  expect(error).toMatchObject({ code: 'library/not-found', where: 'evaluations' });
});

import { expect, it } from 'vitest';
import { MODEL, addWholeModel, matrix, newRun } from './samples.ts';
import { open, temporaryStore } from './temporary-store.ts';

it('keeps everything when it is closed and opened again', async () => {
  const { store, file } = await temporaryStore();
  const { runId } = addWholeModel(store, 'a');
  const before = { models: store.models.list(), run: store.runs.get(runId) };
  store.close();
  const again = open(file);
  expect({ models: again.models.list(), run: again.runs.get(runId) }).toStrictEqual(before);
});

it('does all of a transaction or none', async () => {
  const { store } = await temporaryStore();
  const id = store.transaction(() => store.models.insert(MODEL));
  expect(() =>
    store.transaction(() => {
      store.runs.insert(newRun(id));
      throw new Error('changed my mind');
    }),
  ).toThrow('changed my mind');
  expect(store.runs.list()).toEqual([]);
  expect(store.models.get(id)?.name).toBe(MODEL.name);
});

it('leaves a transaction as it was where something inside of it fails and is caught', async () => {
  const { store } = await temporaryStore();
  store.transaction(() => {
    const { runId } = addWholeModel(store, 'a');
    expect(() => {
      store.runs.saveMatrices(runId, [matrix(1, 'q'), matrix(1, 'k', { damping: NaN })]);
    }).toThrow('damping');
    expect(store.runs.get(runId)?.matrices).toHaveLength(2);
  });
  expect(store.models.list()).toHaveLength(1);
});

it('is seen by another that has the file open, once a transaction is over', async () => {
  const { store, file } = await temporaryStore();
  const other = open(file);
  store.transaction(() => {
    store.models.insert(MODEL);
    expect(store.models.list()).toHaveLength(1);
    // It neither sees this nor waits for it.
    expect(other.models.list()).toEqual([]);
  });
  expect(other.models.list()).toHaveLength(1);
  other.models.insert({ ...MODEL, folder: '/other' });
  expect(store.models.list()).toHaveLength(2);
});

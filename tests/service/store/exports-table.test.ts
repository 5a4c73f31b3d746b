import { expect, it } from 'vitest';
import { exportIdSchema, runIdSchema } from '../../../shared/runs.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { MODEL, newExport, newRun } from './samples.ts';
import { temporaryStore } from './temporary-store.ts';

it('gives back exports as they were added, latest first', async () => {
  const { store } = await temporaryStore();
  const runId = store.runs.insert(newRun(store.models.insert(MODEL)));
  const first = { ...newExport(runId), id: store.exports.insert(newExport(runId)) };
  const made = { ...newExport(runId), target: { format: 'gguf', dtype: 'q8_0' }, seconds: 4 } as const;
  const second = { ...made, id: store.exports.insert(made) };
  expect(store.exports.list({ runId })).toEqual([second, first]);
  expect(store.exports.get(first.id)).toEqual(first);
  store.exports.remove(first.id);
  store.exports.remove(exportIdSchema.parse(99));
  expect(store.exports.get(first.id)).toBeUndefined();
  expect(store.exports.list({ runId })).toEqual([second]);
});

it('refuses an export of a run that is not there', async () => {
  const { store } = await temporaryStore();
  const error = await thrownBy(() => store.exports.insert(newExport(runIdSchema.parse(1))));
  expect(error).toMatchObject({ code: 'library/not-found', where: 'exports' });
});

it('keeps exports of packed models apart from those of runs', async () => {
  const { store } = await temporaryStore();
  const modelId = store.models.insert(MODEL);
  const runId = store.runs.insert(newRun(modelId));
  store.exports.insert(newExport(runId));
  const made = { ...newExport(runId), runId: null, modelId };
  const id = store.exports.insert(made);
  expect(store.exports.list({ modelId })).toEqual([{ ...made, id }]);
  expect(store.exports.list({ runId })).toHaveLength(1);
});

import { beforeEach, expect, it } from 'vitest';
import type { Store } from '../../../main/service/store/store.ts';
import { type ModelId, modelIdSchema } from '../../../shared/library.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { MODEL, analysis } from './samples.ts';
import { rowCounts, tamper, temporaryStore } from './temporary-store.ts';

let store: Store;
let file = '';
let modelId: ModelId;
beforeEach(async () => {
  ({ store, file } = await temporaryStore());
  modelId = store.models.insert(MODEL);
});

it('gives back analyses as they were saved', () => {
  const saved = analysis(0, 'q');
  store.analyses.save(modelId, 'files', saved);
  expect(store.analyses.read(modelId, 'files', 0, 'q')).toStrictEqual(saved);
  expect(store.analyses.read(modelId, 'files', 0, 'k')).toBeUndefined();
  expect(store.analyses.read(modelId, 'other files', 0, 'q')).toBeUndefined();
});

it('takes the place of an earlier one, and lists in the order of computation', () => {
  for (const kind of ['down', 'q', 'down'] as const) {
    store.analyses.save(modelId, 'files', analysis(0, kind));
  }
  expect(store.analyses.list(modelId, 'files')).toStrictEqual([
    { block: 0, kind: 'q' },
    { block: 0, kind: 'down' },
  ]);
});

it('forgets those of other files, and of other widths and shares, and goes with its model', () => {
  for (const key of ['old', 'new']) store.analyses.save(modelId, key, analysis(0, 'q'));
  store.analyses.forgetOthers(modelId, 'new');
  expect(store.analyses.list(modelId, 'old')).toEqual([]);
  expect(store.analyses.list(modelId, 'new')).toHaveLength(1);
  tamper(file, (database) => database.exec("UPDATE analyses SET grid = '[[0],[2]]'"));
  expect(store.analyses.list(modelId, 'new')).toEqual([]);
  expect(store.analyses.read(modelId, 'new', 0, 'q')).toBeUndefined();
  store.analyses.forgetOthers(modelId, 'new');
  expect(rowCounts(file)).toMatchObject({ analyses: 0 });
  store.analyses.save(modelId, 'new', analysis(0, 'q'));
  store.models.remove(modelId);
  expect(rowCounts(file)).toMatchObject({ analyses: 0 });
});

it('refuses errors that are not as many as they have to be, and models that are not there', async () => {
  expect(() => store.analyses.save(modelId, 'files', analysis(0, 'q', { columns: 3 }))).toThrow(
    'errors has 60 values instead of 90',
  );
  const gone = modelIdSchema.parse(99);
  expect(await thrownBy(() => store.analyses.save(gone, 'files', analysis(0, 'q')))).toMatchObject({
    code: 'library/not-found',
  });
});

it('refuses a damaged entry', async () => {
  store.analyses.save(modelId, 'files', analysis(0, 'q'));
  tamper(file, (database) => database.exec("UPDATE analyses SET errors = x'0000'"));
  expect(await thrownBy(() => store.analyses.read(modelId, 'files', 0, 'q'))).toMatchObject({
    code: 'store/damaged',
    where: 'analyses 1',
    found: 'errors: 1 values instead of 60',
  });
});

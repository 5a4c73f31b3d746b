import { beforeEach, expect, it } from 'vitest';
import type { Store } from '../../../main/service/store/store.ts';
import { type ModelId, modelIdSchema } from '../../../shared/library.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { MODEL, SENSITIVITY } from './samples.ts';
import { rowCounts, tamper, temporaryStore } from './temporary-store.ts';

let store: Store;
let file = '';
let modelId: ModelId;
beforeEach(async () => {
  ({ store, file } = await temporaryStore());
  modelId = store.models.insert(MODEL);
});

it('gives back what was saved, for the files that it was measured of', () => {
  expect(store.sensitivities.read(modelId, 'files')).toBeUndefined();
  store.sensitivities.save(modelId, 'files', SENSITIVITY);
  expect(store.sensitivities.read(modelId, 'files')).toStrictEqual(SENSITIVITY);
  expect(store.sensitivities.read(modelId, 'other files')).toBeUndefined();
});

it('keeps the latest of a model, and goes with it', () => {
  const later = { ...SENSITIVITY, tokens: 1022, segments: 2, segmentLength: 512 };
  store.sensitivities.save(modelId, 'files', SENSITIVITY);
  store.sensitivities.save(modelId, 'other files', later);
  expect(store.sensitivities.read(modelId, 'files')).toBeUndefined();
  expect(store.sensitivities.read(modelId, 'other files')).toStrictEqual(later);
  expect(rowCounts(file)).toMatchObject({ sensitivities: 1 });
  store.models.remove(modelId);
  expect(rowCounts(file)).toMatchObject({ sensitivities: 0 });
});

it('has none that were measured in another way', () => {
  store.sensitivities.save(modelId, 'files', SENSITIVITY);
  tamper(file, (database) => database.exec('UPDATE sensitivities SET way = way + 1'));
  expect(store.sensitivities.read(modelId, 'files')).toBeUndefined();
});

it('refuses models that are not there, and what is no figure', async () => {
  const gone = modelIdSchema.parse(99);
  expect(await thrownBy(() => store.sensitivities.save(gone, 'files', SENSITIVITY))).toMatchObject({
    code: 'library/not-found',
  });
  const matrices = [{ block: 0, kind: 'q' as const, mean: Number.NaN, median: 0 }];
  expect(() => store.sensitivities.save(modelId, 'files', { ...SENSITIVITY, matrices })).toThrow('mean');
});

it('refuses a damaged entry', async () => {
  store.sensitivities.save(modelId, 'files', SENSITIVITY);
  tamper(file, (database) => database.exec("UPDATE sensitivities SET figures = '{}'"));
  expect(await thrownBy(() => store.sensitivities.read(modelId, 'files'))).toMatchObject({
    code: 'store/damaged',
    where: `sensitivities ${modelId}`,
  });
});

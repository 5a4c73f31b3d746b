import { beforeEach, expect, it } from 'vitest';
import type { CalibratingRun, Store } from '../../../main/service/store/store.ts';
import { runIdSchema } from '../../../shared/runs.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { MODEL, calibration, newRun } from './samples.ts';
import { rowCounts, tamper, temporaryStore } from './temporary-store.ts';

let store: Store;
let file = '';
let run: CalibratingRun;
let later: CalibratingRun;
beforeEach(async () => {
  ({ store, file } = await temporaryStore());
  const modelId = store.models.insert(MODEL);
  const runOf = (folder: string): CalibratingRun => ({
    modelId,
    filesKey: 'files',
    runId: store.runs.insert(newRun(modelId, folder)),
    groups: 2,
  });
  run = runOf('/runs/1');
  later = runOf('/runs/2');
});

function latest(filesKey = 'files') {
  return store.calibrations.latest(run.modelId, filesKey);
}

it('is there once all groups are', () => {
  expect(store.calibrations.save(run, calibration(0, 'q'))).toBe(false);
  expect(latest()).toBeUndefined();
  expect(store.calibrations.save(run, calibration(0, 'o', 8))).toBe(true);
  const id = latest();
  if (id === undefined) throw new Error('there is no calibration');
  expect(store.calibrations.group(id, 0, 'q')).toStrictEqual(calibration(0, 'q'));
  expect(store.calibrations.group(id, 0, 'o')).toStrictEqual(calibration(0, 'o', 8));
  expect(store.calibrations.group(id, 1, 'q')).toBeUndefined();
  expect(latest('other files')).toBeUndefined();
});

it('takes a group that comes again in its place', () => {
  for (const scale of [1, 2]) {
    expect(store.calibrations.save(run, calibration(0, 'q', scale))).toBe(false);
  }
  expect(store.calibrations.save(run, calibration(0, 'o'))).toBe(true);
  expect(store.calibrations.save(run, calibration(0, 'q', 3))).toBe(false);
  const id = latest();
  expect(id && store.calibrations.group(id, 0, 'q')).toEqual(calibration(0, 'q', 3));
  expect(rowCounts(file)).toMatchObject({ calibrations: 1, calibrated_groups: 2 });
});

it('stays until a later run has calibrated everything', () => {
  for (const kind of ['q', 'o'] as const) store.calibrations.save(run, calibration(0, kind));
  const before = latest();
  store.calibrations.save(later, calibration(0, 'q', 5));
  expect(latest()).toBe(before);
  store.calibrations.save(later, calibration(0, 'o', 5));
  const id = latest();
  expect(id && store.calibrations.group(id, 0, 'q')).toEqual(calibration(0, 'q', 5));
  expect(rowCounts(file)).toMatchObject({ calibrations: 1, calibrated_groups: 2 });
});

it('outlives its run where it is complete, and goes with its model', () => {
  for (const kind of ['q', 'o'] as const) store.calibrations.save(run, calibration(0, kind));
  const id = latest();
  store.runs.remove(run.runId);
  expect(latest()).toBe(id);
  store.models.remove(run.modelId);
  expect(rowCounts(file)).toMatchObject({ calibrations: 0, calibrated_groups: 0 });
});

it('is thrown away where its run is gone before its end', () => {
  store.calibrations.save(run, calibration(0, 'q'));
  store.runs.remove(run.runId);
  store.calibrations.save(later, calibration(0, 'o'));
  expect(rowCounts(file)).toMatchObject({ calibrations: 1, calibrated_groups: 1 });
});

it('is of the files that it was made with', () => {
  for (const kind of ['q', 'o'] as const) store.calibrations.save(run, calibration(0, kind));
  store.calibrations.forgetOthers(run.modelId, 'new files');
  expect(latest()).toBeUndefined();
  expect(rowCounts(file)).toMatchObject({ calibrations: 0, calibrated_groups: 0 });
});

it('refuses runs that are not there, and damaged entries', async () => {
  const gone = { ...run, runId: runIdSchema.parse(99) };
  expect(await thrownBy(() => store.calibrations.save(gone, calibration(0, 'q')))).toMatchObject({
    code: 'library/not-found',
  });
  for (const kind of ['q', 'o'] as const) store.calibrations.save(run, calibration(0, kind));
  tamper(file, (database) => database.exec("UPDATE calibrated_groups SET sensitivity = x''"));
  const id = latest();
  expect(await thrownBy(() => id && store.calibrations.group(id, 0, 'q'))).toMatchObject({
    code: 'store/damaged',
    where: 'calibrated_groups 1',
    found: 'sensitivity: 0 values instead of 3',
  });
});

import fc from 'fast-check';
import { beforeEach, expect, it } from 'vitest';
import type { Store } from '../../../main/service/store/store.ts';
import { type ModelId, modelIdSchema } from '../../../shared/library.ts';
import { thrownBy } from '../../engine/checkpoint/thrown.ts';
import { MODEL, statistics } from './samples.ts';
import { rowCounts, tamper, temporaryStore } from './temporary-store.ts';

let store: Store;
let file = '';
let modelId: ModelId;
beforeEach(async () => {
  ({ store, file } = await temporaryStore());
  modelId = store.models.insert(MODEL);
});

it('gives back statistics as they were saved', () => {
  const saved = statistics(0, 'q');
  store.columnStatistics.save(modelId, 'files', saved);
  expect(store.columnStatistics.read(modelId, 'files', 0, 'q')).toStrictEqual(saved);
  expect(store.columnStatistics.read(modelId, 'files', 0, 'k')).toBeUndefined();
  expect(store.columnStatistics.read(modelId, 'files', 1, 'q')).toBeUndefined();
  expect(store.columnStatistics.read(modelId, 'other files', 0, 'q')).toBeUndefined();
});

it('gives back any numbers of any number of columns and S', () => {
  const any = fc.integer({ min: 1, max: 40 }).chain((columns) => {
    const floats = fc.float32Array({ minLength: columns, maxLength: columns });
    const level = fc.uint32Array({ minLength: columns, maxLength: columns });
    return fc.integer({ min: 0, max: 5 }).chain((levels) =>
      fc.record(
        {
          columns: fc.constant(columns),
          maxima: floats,
          energies: floats,
          means: floats,
          variances: floats,
          sValues: fc.float32Array({ minLength: levels, maxLength: levels }),
          outliers: fc.array(level, { minLength: levels, maxLength: levels }),
        },
        { noNullPrototype: true },
      ),
    );
  });
  fc.assert(
    fc.property(any, (change) => {
      const saved = statistics(3, 'down', change);
      store.columnStatistics.save(modelId, 'files', saved);
      expect(store.columnStatistics.read(modelId, 'files', 3, 'down')).toEqual(saved);
    }),
    { numRuns: 50 },
  );
});

it('takes the place of earlier statistics of the same matrix', () => {
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  const again = statistics(0, 'q', { meanMagnitude: 0.5 });
  store.columnStatistics.save(modelId, 'files', again);
  expect(store.columnStatistics.read(modelId, 'files', 0, 'q')).toEqual(again);
  expect(rowCounts(file)).toMatchObject({ column_statistics: 1 });
});

it('lists matrices in the order of computation, without their arrays', () => {
  for (const [block, kind] of [
    [1, 'q'],
    [0, 'down'],
    [0, 'k'],
  ] as const) {
    store.columnStatistics.save(modelId, 'files', statistics(block, kind));
  }
  store.columnStatistics.save(modelId, 'other files', statistics(0, 'q'));
  const shape = { rows: 64, columns: 3, meanMagnitude: 0.015 };
  expect(store.columnStatistics.list(modelId, 'files')).toStrictEqual([
    { block: 0, kind: 'k', ...shape },
    { block: 0, kind: 'down', ...shape },
    { block: 1, kind: 'q', ...shape },
  ]);
});

it('forgets those of files that were there before', () => {
  const other = store.models.insert({ ...MODEL, folder: '/other' });
  store.columnStatistics.save(modelId, 'old', statistics(0, 'q'));
  store.columnStatistics.save(modelId, 'new', statistics(0, 'q'));
  store.columnStatistics.save(other, 'old', statistics(0, 'q'));
  store.columnStatistics.forgetOthers(modelId, 'new');
  expect(store.columnStatistics.list(modelId, 'old')).toEqual([]);
  expect(store.columnStatistics.list(modelId, 'new')).toHaveLength(1);
  expect(store.columnStatistics.list(other, 'old')).toHaveLength(1);
});

it('refuses arrays that do not fit the matrix', async () => {
  for (const change of [
    { maxima: Float32Array.of(1, 2) },
    { outliers: [Uint32Array.of(1, 2, 3)] },
    { sValues: Float32Array.of(13) },
  ]) {
    expect(() => {
      store.columnStatistics.save(modelId, 'files', statistics(0, 'q', change));
    }).toThrow(RangeError);
  }
  const gone = modelIdSchema.parse(99);
  expect(await thrownBy(() => store.columnStatistics.save(gone, 'files', statistics(0, 'q')))).toMatchObject({
    code: 'library/not-found',
  });
  expect(rowCounts(file)).toMatchObject({ column_statistics: 0 });
});

it.each([
  ['maxima', "x'0000803f'", 'maxima: 1 values instead of 3'],
  ['outliers', "x''", 'outliers: 0 values instead of 6'],
  ['variances', "x'000000'", 'variances: 3 bytes are no whole number of values'],
  ['columns', '1000000000', 'maxima: 3 values instead of 1000000000'],
])('refuses a damaged entry: %s', async (column, value, found) => {
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  tamper(file, (database) => database.exec(`UPDATE column_statistics SET ${column} = ${value}`));
  const error = await thrownBy(() => store.columnStatistics.read(modelId, 'files', 0, 'q'));
  expect(error).toMatchObject({ code: 'store/damaged', where: 'column_statistics 1', found });
});

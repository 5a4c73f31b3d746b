import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Store, summaryOf } from '../../../main/service/store/store.ts';
import { type ModelId, modelIdSchema } from '../../../shared/library.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
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

it('gives back any numbers of any number of columns and levels', () => {
  const any = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 5 }), fc.constantFrom(300, 70_000))
    .chain(([columns, levels, rows]) => {
      const floats = fc.float32Array({ minLength: columns, maxLength: columns });
      return fc.record(
        {
          rows: fc.constant(rows),
          columns: fc.constant(columns),
          maxima: floats,
          energies: floats,
          means: floats,
          variances: floats,
          levels: fc.constant(levels),
          outliers: fc.uint32Array({
            minLength: levels * columns,
            maxLength: levels * columns,
            max: rows,
            // The last level has an outlier.
            min: 1,
          }),
        },
        { noNullPrototype: true },
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

it('takes the place of earlier statistics of the same matrix, with their counts', () => {
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  const again = statistics(0, 'q', { meanMagnitude: 0.5, levels: 1, outliers: Uint32Array.of(0, 2, 0) });
  store.columnStatistics.save(modelId, 'files', again);
  expect(store.columnStatistics.read(modelId, 'files', 0, 'q')).toEqual(again);
  expect(rowCounts(file)).toMatchObject({ column_statistics: 1, outlier_counts: 1 });
});

it('lists matrices in the order of computation, with sums of their outliers', () => {
  for (const [block, kind] of [
    [1, 'q'],
    [0, 'down'],
    [0, 'k'],
  ] as const) {
    store.columnStatistics.save(modelId, 'files', statistics(block, kind));
  }
  store.columnStatistics.save(modelId, 'other files', statistics(0, 'q'));
  const nothing = Array.from({ length: OUTLIER_LEVELS.length - 2 }, () => 0);
  const known = {
    rows: 64,
    columns: 3,
    meanMagnitude: 0.015,
    maxMagnitude: 1,
    totals: Uint32Array.of(12, 7, ...nothing),
    ranked: Uint32Array.of(2, 2, ...nothing),
  };
  expect(store.columnStatistics.list(modelId, 'files')).toStrictEqual([
    { block: 0, kind: 'k', ...known },
    { block: 0, kind: 'down', ...known },
    { block: 1, kind: 'q', ...known },
  ]);
  expect(summaryOf(statistics(0, 'q'))).toEqual({ totals: known.totals, ranked: known.ranked });
});

it('gives the counts at one S, as small as they are', () => {
  const outliers = Uint32Array.of(5, 0, 7, 0, 0, 0, 1, 0, 64);
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q', { levels: 3, outliers }));
  const tall = { rows: 70_000, levels: 1, outliers: Uint32Array.of(1, 70_000, 3) };
  store.columnStatistics.save(modelId, 'files', statistics(0, 'k', tall));
  const counts = (kind: 'q' | 'k' | 'v', level: number) =>
    store.columnStatistics.counts(modelId, 'files', { block: 0, kind }, level);
  expect([0, 1, 2, 3].map((level) => counts('q', level))).toEqual([
    Uint16Array.of(5, 0, 7),
    undefined,
    Uint16Array.of(1, 0, 64),
    undefined,
  ]);
  expect(counts('k', 0)).toEqual(tall.outliers);
  expect(counts('v', 0)).toBeUndefined();
  expect(store.columnStatistics.read(modelId, 'files', 0, 'q')?.outliers).toEqual(outliers);
});

it('gives the arrays of an order without the others', () => {
  const { rows, columns, maxima, energies, ...saved } = statistics(0, 'q');
  store.columnStatistics.save(modelId, 'files', { rows, columns, maxima, energies, ...saved });
  expect(store.columnStatistics.sizes(modelId, 'files', 0, 'q')).toStrictEqual({
    rows,
    columns,
    maxima,
    energies,
  });
  expect(store.columnStatistics.sizes(modelId, 'files', 0, 'v')).toBeUndefined();
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
  expect(rowCounts(file)).toMatchObject({ column_statistics: 2, outlier_counts: 4 });
});

it('neither reads nor keeps what was counted at other S', () => {
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  tamper(file, (database) => database.exec("UPDATE column_statistics SET grid = '[3,13]'"));
  expect(store.columnStatistics.list(modelId, 'files')).toEqual([]);
  expect(store.columnStatistics.read(modelId, 'files', 0, 'q')).toBeUndefined();
  expect(store.columnStatistics.sizes(modelId, 'files', 0, 'q')).toBeUndefined();
  expect(store.columnStatistics.counts(modelId, 'files', { block: 0, kind: 'q' }, 0)).toBeUndefined();
  store.columnStatistics.forgetOthers(modelId, 'files');
  expect(rowCounts(file)).toMatchObject({ column_statistics: 0, outlier_counts: 0 });
});

it('goes with its model', () => {
  store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
  store.models.remove(modelId);
  expect(rowCounts(file)).toMatchObject({ column_statistics: 0, outlier_counts: 0 });
});

it('refuses arrays that do not fit the matrix', async () => {
  for (const change of [
    { maxima: Float32Array.of(1, 2) },
    { outliers: Uint32Array.of(1, 2, 3) },
    { levels: 3 },
    { outliers: Uint32Array.of(65, 0, 0, 1, 0, 0) },
    { levels: 58, outliers: new Uint32Array(58 * 3) },
  ]) {
    expect(() => {
      store.columnStatistics.save(modelId, 'files', statistics(0, 'q', change));
    }).toThrow(RangeError);
  }
  const gone = modelIdSchema.parse(99);
  expect(await thrownBy(() => store.columnStatistics.save(gone, 'files', statistics(0, 'q')))).toMatchObject({
    code: 'library/not-found',
  });
  expect(rowCounts(file)).toMatchObject({ column_statistics: 0, outlier_counts: 0 });
});

describe('refuses a damaged entry', () => {
  it.each([
    ['maxima', "x'0000803f'", 'maxima: 1 values instead of 3'],
    ['variances', "x'000000'", 'variances: 3 bytes are no whole number of values'],
    ['columns', '1000000000', 'maxima: 3 values instead of 1000000000'],
  ])('in its columns: %s', async (column, value, found) => {
    store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
    tamper(file, (database) => database.exec(`UPDATE column_statistics SET ${column} = ${value}`));
    const error = await thrownBy(() => store.columnStatistics.read(modelId, 'files', 0, 'q'));
    expect(error).toMatchObject({ code: 'store/damaged', where: 'column_statistics 1', found });
  });

  it.each([
    ['counts', "x''", 'counts: 0 values instead of 3'],
    ['counts', "x'000000'", 'counts: 3 bytes are no whole number of values instead of 3'],
    ['level', '57', 'level: Too big: expected number to be <=56'],
  ])('in its counts: %s = %s', async (column, value, found) => {
    const change = { levels: 1, outliers: Uint32Array.of(1, 2, 3) };
    store.columnStatistics.save(modelId, 'files', statistics(0, 'q', change));
    tamper(file, (database) => database.exec(`UPDATE outlier_counts SET ${column} = ${value}`));
    const error = await thrownBy(() => store.columnStatistics.read(modelId, 'files', 0, 'q'));
    expect(error).toMatchObject({ code: 'store/damaged', where: 'outlier_counts 1', found });
  });

  it('in its sums', async () => {
    store.columnStatistics.save(modelId, 'files', statistics(0, 'q'));
    tamper(file, (database) => database.exec("UPDATE column_statistics SET ranked = x'00000000'"));
    const error = await thrownBy(() => store.columnStatistics.list(modelId, 'files'));
    expect(error).toMatchObject({ code: 'store/damaged', found: 'ranked: 1 values instead of 57' });
  });
});

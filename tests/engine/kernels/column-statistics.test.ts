import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeFloats, encodeFloats } from '../../../main/engine/checkpoint/half-precision.ts';
import { FLOAT_DTYPES, type FloatDtype } from '../../../main/engine/checkpoint/safetensors-dtype.ts';
import {
  type ColumnMoments,
  columnMoments,
  columnOutliers,
  countOutliers,
} from '../../../main/engine/kernels/column-statistics.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { OUTLIER_LEVELS } from '../../../shared/outlier-levels.ts';
import { plainStatistics } from '../../oracle/column-statistics.ts';
import { Random } from '../../oracle/random.ts';

let pools: KernelPool[];
beforeAll(async () => {
  pools = [
    await KernelPool.start({ threads: 1 }),
    await KernelPool.start({ threads: 2 }),
    await KernelPool.start({ threads: 3, flavour: 'simd' }),
  ];
});
afterAll(async () => {
  for (const pool of pools) await pool.stop();
});

interface Case {
  readonly rows: number;
  readonly columns: number;
  readonly dtype: FloatDtype;
  /** As they are stored. */
  readonly bytes: Uint8Array;
}

async function momentsOf(pool: KernelPool, { bytes, ...shape }: Case): Promise<ColumnMoments | undefined> {
  const mark = pool.arena.mark();
  const moments = await columnMoments(pool, { ...shape, pointer: pool.arena.copyBytes(bytes) });
  pool.arena.release(mark);
  return moments;
}

async function statisticsOf(
  pool: KernelPool,
  { bytes, ...shape }: Case,
  sValues: readonly number[],
): Promise<{ moments: ColumnMoments; outliers: Uint32Array[] }> {
  const mark = pool.arena.mark();
  const matrix = { ...shape, pointer: pool.arena.copyBytes(bytes) };
  const moments = await columnMoments(pool, matrix);
  if (moments === undefined) throw new Error('the case has weights that are not finite');
  const outliers = await columnOutliers(pool, matrix, moments.meanMagnitude, sValues);
  pool.arena.release(mark);
  return { moments, outliers };
}

function decoded({ dtype, bytes, rows, columns }: Case): Float32Array {
  const weights = new Float32Array(rows * columns);
  decodeFloats(dtype, bytes, weights);
  return weights;
}

/** Moments and counts of every pool are those of the definitions, to the last bit. */
async function expectPlain(matrix: Case, sValues: readonly number[] = OUTLIER_LEVELS): Promise<void> {
  const { rows } = matrix;
  const plain = plainStatistics(decoded(matrix), matrix, sValues);
  for (const pool of pools) {
    const { moments, outliers } = await statisticsOf(pool, matrix, sValues);
    expect(moments.meanMagnitude).toBe(plain.meanMagnitude);
    expect(moments.maxima).toEqual(plain.maxima);
    expect(moments.squares).toEqual(plain.energies);
    expect(moments.sums.map((sum) => sum / rows)).toEqual(plain.means);
    expect(outliers).toEqual(plain.outliers);
  }
}

const shapes = fc.record({
  rows: fc.integer({ min: 1, max: 300 }),
  columns: fc.integer({ min: 1, max: 200 }),
  dtype: fc.constantFrom(...FLOAT_DTYPES),
  seed: fc.nat(),
});

describe('columnMoments and columnOutliers', () => {
  it('are as defined, for weights with heavy tails', async () => {
    const cases = fc.asyncProperty(shapes, async ({ rows, columns, dtype, seed }) => {
      const random = new Random(seed);
      const heavy = random.floats(columns, () => (random.uniform() < 0.1 ? 20 : 1));
      const scale = 2 ** random.between(-14, 2);
      const weights = Float32Array.from({ length: rows * columns }, (_, at) =>
        random.uniform() < 0.05 ? -0 : scale * (heavy[at % columns] ?? 1) * random.student(3),
      );
      await expectPlain({ rows, columns, dtype, bytes: encodeFloats(dtype, weights) });
    });
    await fc.assert(cases, { numRuns: 12 });
  });

  it('are as defined, for any finite patterns', async () => {
    const cases = fc.asyncProperty(shapes, async ({ rows, columns, dtype, seed }) => {
      const random = new Random(seed);
      const largest = { F32: 0x7f7fffff, F16: 0x7bff, BF16: 0x7f7f }[dtype];
      const sign = dtype === 'F32' ? 2 ** 31 : 2 ** 15;
      const pattern = (): number => random.between(0, largest) + sign * random.between(0, 1);
      const cells = { length: rows * columns };
      const patterns = dtype === 'F32' ? Uint32Array.from(cells, pattern) : Uint16Array.from(cells, pattern);
      const sValues = [0.001, 0.5, 1, 1.5, 2, 3, 7, 7, 40];
      await expectPlain({ rows, columns, dtype, bytes: new Uint8Array(patterns.buffer) }, sValues);
    });
    await fc.assert(cases, { numRuns: 25 });
  });

  it('reads every half as it is', async () => {
    const signed = [0, 0x8000].flatMap((sign) =>
      Array.from({ length: 0x7c00 }, (_, pattern) => sign + pattern),
    );
    const bytes = new Uint8Array(Uint16Array.from(signed).buffer);
    // One row: the sum of a column is its only weight, and so, but for the sign, is the largest magnitude.
    const matrix: Case = { rows: 1, columns: signed.length, dtype: 'F16', bytes };
    const weights = decoded(matrix);
    for (const pool of pools) {
      const moments = await momentsOf(pool, matrix);
      expect(moments?.sums).toEqual(Float64Array.from(weights, (weight) => weight + 0));
      expect(moments?.maxima).toEqual(weights.map(Math.abs));
    }
  });

  it('tells levels apart that differ in the last bits of a float32', async () => {
    // Magnitudes of a row sum to a little more than 4: the mean is about 1/2, and the levels are float32's next to 1.
    const close = Float32Array.from({ length: 24 }, (_, bit) => 1 + bit * 2 ** -23);
    const weights = new Float32Array(close.length * 8);
    for (const [row, weight] of close.entries()) weights.set([weight, -2, 1, 0, 0, 0, 0, 0], row * 8);
    const matrix: Case = {
      rows: close.length,
      columns: 8,
      dtype: 'F32',
      bytes: encodeFloats('F32', weights),
    };
    await expectPlain(
      matrix,
      Array.from({ length: 40 }, (_, step) => 2 + (step - 10) * 2 ** -22),
    );
  });

  it.each(FLOAT_DTYPES)('counts more rows of %s than 16 bits can', async (dtype) => {
    const rows = 70_001;
    const columns = 9;
    const weights = Float32Array.from({ length: rows * columns }, (_, at) => (at % 2 === 0 ? 3 : 0));
    const matrix: Case = { rows, columns, dtype, bytes: encodeFloats(dtype, weights) };
    const mean = (3 * Math.ceil((rows * columns) / 2)) / (rows * columns);
    for (const pool of pools) {
      const { moments, outliers } = await statisticsOf(pool, matrix, [1.9, 2]);
      expect(moments.meanMagnitude).toBe(mean);
      const expected = Uint32Array.from({ length: columns }, (_, column) =>
        column % 2 === 0 ? 35_001 : 35_000,
      );
      // One weight more than half is not 0, so that twice the mean is a little above 3.
      expect(outliers).toEqual([expected, new Uint32Array(columns)]);
    }
  });

  it('finds no outliers in a matrix of zeros', async () => {
    const matrix: Case = { rows: 5, columns: 11, dtype: 'F16', bytes: new Uint8Array(110) };
    await expectPlain(matrix, [0.5, 2]);
    const { outliers } = await statisticsOf(pools[1] ?? expect.fail(), matrix, [0.5]);
    expect(outliers).toEqual([new Uint32Array(11)]);
  });

  it.each(
    FLOAT_DTYPES.flatMap((dtype) => [NaN, Infinity, -Infinity].map((value) => [dtype, value] as const)),
  )('tells of a weight of %s that is %d, wherever it is', async (dtype, value) => {
    const rows = 19;
    const columns = 70;
    for (const [row, column] of [
      [0, 0],
      [18, 69],
      [9, 64],
      [7, 33],
    ] as const) {
      const weights = new Float32Array(rows * columns).fill(0.25);
      weights[row * columns + column] = value;
      const matrix: Case = { rows, columns, dtype, bytes: encodeFloats(dtype, weights) };
      for (const pool of pools) expect(await momentsOf(pool, matrix)).toBeUndefined();
    }
  });
});

describe('countOutliers', () => {
  // |w| sums to 32 over 8 entries: the mean is 4, so S = 2 asks for 8.
  const weights = Float32Array.of(-8, 1, 2, 0, 8, -12, 1, 0);

  it('counts weights of exactly S times the mean, of either sign', async () => {
    for (const pool of pools) {
      const used = pool.arena.used;
      expect(await countOutliers(pool, weights, { rows: 2, columns: 4 }, 2)).toEqual(
        Uint32Array.of(2, 1, 0, 0),
      );
      expect(pool.arena.used).toBe(used);
    }
  });

  it('refuses weights that are not finite', async () => {
    const [pool] = pools;
    const broken = weights.with(3, NaN);
    await expect(
      countOutliers(pool ?? expect.fail(), broken, { rows: 2, columns: 4 }, 2),
    ).rejects.toMatchObject({ code: 'weights/not-finite' });
  });
});

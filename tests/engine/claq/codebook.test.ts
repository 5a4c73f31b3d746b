/** The kernels' K-Means against the optimum, a column at a time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clustering } from '../../../main/engine/claq/loop-input.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { COLUMNS, ROWS, columnErrors, tiny } from '../../golden/tiny.ts';
import { optimalClusters, squaredError } from '../../oracle/kmeans.ts';
import { zeros } from '../../oracle/linear-algebra.ts';
import { Random } from '../../oracle/random.ts';
import { everyColumn, quantize } from './loop-case.ts';

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 2 });
});
afterAll(() => pool.stop());

function columnOf(weights: Float32Array, columns: number, column: number): Float32Array {
  return weights.filter((_, cell) => cell % columns === column);
}

/** Codebook of every column of a matrix, as it is: no compensation. */
async function codebooks(
  weights: Float32Array,
  columns: number,
  width: number,
  clustering: Clustering = 'optimal',
): Promise<Float32Array[]> {
  const identity = zeros(columns, columns);
  for (let i = 0; i < columns; i++) identity.values[i * columns + i] = 1;
  const one = {
    rows: weights.length / columns,
    columns,
    weights,
    hessian: identity,
    plan: everyColumn(columns, width),
  };
  const { levels } = await quantize(pool, one, { compensate: false, clustering });
  if (levels.kind !== 'codebook') throw new Error('expected codebooks');
  return Array.from({ length: columns }, (_, column) =>
    levels.centroids.slice(levels.start[column], levels.start[column + 1]),
  );
}

describe('columns of a real matrix', () => {
  it.each([2, 3, 4] as const)('%i bits: the squared error within 1 percent of the optimum', async (width) => {
    const weights = tiny.f32('W');
    expect(weights).toHaveLength(ROWS * COLUMNS);
    const found = await codebooks(weights, COLUMNS, width);
    for (const [column, codebook] of found.entries()) {
      const optimum = columnErrors.optimal[width][column] ?? NaN;
      const error = squaredError(columnOf(weights, COLUMNS, column), codebook);
      expect(error, `column ${column}`).toBeGreaterThan(0.999 * optimum);
      expect(error, `column ${column}`).toBeLessThan(1.01 * optimum);
    }
  });

  it.each([2, 3, 4] as const)(
    '%i bits: as good as scikit-learn where asked to work like it',
    async (width) => {
      const weights = tiny.f32('W');
      const found = await codebooks(weights, COLUMNS, width, 'scikit');
      let error = 0;
      for (const [column, codebook] of found.entries()) {
        error += squaredError(columnOf(weights, COLUMNS, column), codebook);
      }
      const theirs = columnErrors.scikit[width].reduce((sum, value) => sum + value, 0);
      expect(Math.abs(error / theirs - 1)).toBeLessThan(0.05);
    },
  );
});

describe('long columns of every kind', () => {
  const n = 4096;
  const random = new Random(21);
  const single = (outlier: number): Float32Array => {
    const values = random.floats(n, () => 0.02 * random.normal());
    values[1234] = outlier;
    return values;
  };
  const kinds: readonly (readonly [name: string, values: Float32Array])[] = [
    ['normal', random.floats(n, () => 0.02 * random.normal())],
    ['Student t, 3 degrees', random.floats(n, () => 0.02 * random.student(3))],
    [
      'Student t, 1 degree, cut',
      random.floats(n, () => Math.max(-50, Math.min(50, 0.02 * random.student(1)))),
    ],
    ['lognormal', random.floats(n, () => 0.02 * Math.exp(1.5 * random.normal()))],
    ['one huge outlier', single(30)],
    ['one huge negative outlier', single(-30)],
    ['one negative outlier, a million times the rest', single(-20_000)],
    ['far from zero', random.floats(n, () => 8 + 0.5 * random.normal())],
    ['uniform', random.floats(n, () => random.uniform() - 0.5)],
  ];
  const weights = new Float32Array(n * kinds.length);
  for (const [column, [, values]] of kinds.entries()) {
    for (const [row, value] of values.entries()) weights[row * kinds.length + column] = value;
  }

  it.each([1, 2, 3, 4, 5])('%i bits: the squared error within 1 percent of the optimum', async (width) => {
    const found = await codebooks(weights, kinds.length, width);
    for (const [column, [name, values]] of kinds.entries()) {
      // Its centroids rounded to halves, as the kernels' are: far from zero that costs more than all else.
      const optimum = Float16Array.from(optimalClusters(values, 2 ** width).centroids);
      const error = squaredError(values, found[column] ?? []);
      expect(error, name).toBeLessThan(1.01 * squaredError(values, optimum));
    }
  });

  // Sixteen values a centroid: the optimum fits their chances, which four bins a centroid follow a little less closely.
  it('8 bits: the squared error within 5 percent of the optimum', async () => {
    const values = random.floats(n, () => 0.02 * random.student(3));
    const [codebook = new Float32Array(0)] = await codebooks(values, 1, 8);
    expect(codebook).toHaveLength(256);
    const optimum = Float16Array.from(optimalClusters(values, 256).centroids);
    expect(squaredError(values, codebook)).toBeLessThan(1.05 * squaredError(values, optimum));
  });

  it.each([3, 4, 5])('%i bits: within 3 percent for narrow clusters that lie far apart', async (width) => {
    const values = random.floats(n, () => random.between(-3, 3) + 0.01 * random.normal());
    const [codebook = new Float32Array(0)] = await codebooks(values, 1, width);
    const optimum = Float16Array.from(optimalClusters(values, 2 ** width).centroids);
    expect(squaredError(values, codebook)).toBeLessThan(1.03 * squaredError(values, optimum));
  });
});

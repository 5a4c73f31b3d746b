/** How fast a matrix in memory is measured, beside what it takes to read as many bytes and do nothing with them. */
import { encodeFloats } from '../main/engine/checkpoint/half-precision.ts';
import { FLOAT_DTYPES } from '../main/engine/checkpoint/safetensors-dtype.ts';
import {
  type ColumnMoments,
  type StoredMatrix,
  columnMoments,
  columnOutliers,
} from '../main/engine/kernels/column-statistics.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { OUTLIER_LEVELS } from '../shared/outlier-levels.ts';
import { table } from './report.ts';
import { normalWeights, syntheticWeights } from './synthetic-matrix.ts';
import { timeRuns } from './timing.ts';

/** Prints rates of size x size matrices on each of the pools. */
export async function benchStatistics(
  pools: readonly KernelPool[],
  size: number,
  runs: number,
): Promise<void> {
  const matrices = [
    ['normal, some columns heavy', normalWeights(size, size, 1)],
    ['heavy tails', syntheticWeights(size, size, 2)],
  ] as const;
  const rows: string[][] = [];
  for (const [label, weights] of matrices) {
    for (const dtype of FLOAT_DTYPES) {
      const bytes = encodeFloats(dtype, weights);
      const plain = await readRate(bytes.length, runs);
      for (const pool of pools) {
        rows.push([
          `${label}, ${dtype}, ${pool.threads} thread${pool.threads === 1 ? '' : 's'}`,
          ...(await rates(pool, { bytes, dtype, rows: size, columns: size }, runs, plain)),
        ]);
      }
    }
  }
  const head = [`${size} x ${size}`, 'moments', 'outliers', 'both', 'of a plain read'];
  table('A matrix in memory, GB/s', head, rows);
}

type Matrix = Omit<StoredMatrix, 'pointer'> & { readonly bytes: Uint8Array };

async function rates(pool: KernelPool, matrix: Matrix, runs: number, plain: number): Promise<string[]> {
  const { bytes, ...shape } = matrix;
  const mark = pool.arena.mark();
  const stored = { ...shape, pointer: pool.arena.copyBytes(bytes) };
  let moments: ColumnMoments | undefined;
  const first = await timeRuns(async () => (moments = await columnMoments(pool, stored)), runs);
  const mean = moments?.meanMagnitude ?? NaN;
  const second = await timeRuns(() => columnOutliers(pool, stored, mean, OUTLIER_LEVELS), runs);
  pool.arena.release(mark);
  const both = bytes.length / (first.best + second.best);
  return [
    ...[bytes.length / first.best, bytes.length / second.best, both].map((rate) => (rate / 1e9).toFixed(2)),
    (both / plain).toFixed(2),
  ];
}

/** Bytes a second of one thread that looks for a byte that is not there: nothing reads memory with less ado. */
export async function readRate(length: number, runs: number): Promise<number> {
  const bytes = Buffer.alloc(length, 2);
  const times = await timeRuns(() => {
    if (bytes.indexOf(1) >= 0) throw new Error('the byte was there');
    return Promise.resolve();
  }, runs);
  return length / times.best;
}

/**
 * Sweeps of coordinate descent behind the column loop. The loop decides each column once, before it knows what becomes of the
 * columns behind it. A sweep goes over all columns again and gives each the codebook and codes that are best while all
 * others stay: with D = W - Q, the best values of column j are
 *
 *     w_j = W_j + (sum over i != j of D_i H[i, j]) / H[j, j]
 *
 * and the loss tr(D H D^T) can only fall, but for what a codebook's search and its rounding leave. The form is the loop's own, with
 * H[i, j] / H[j, j] in place of the factor U; only that the columns behind have errors from the beginning.
 * (Coordinate descent on the layer's output error: Behdin et al. 2023, QuantEase.)
 */
import * as tf from '@tensorflow/tfjs-core';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import { span } from '../trace.ts';
import type { Couplings } from './couplings.ts';
import { DeviceUpdates } from './device-updates.ts';
import { type LoopJob, refined } from './loop-job.ts';
import { quantizeStretches } from './quantize-stretches.ts';

export interface SweepOptions {
  readonly sweeps: number;
  /** Blocks of columns between two of the backend's products. */
  readonly stretch: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Goes over matrices that the column loop has quantized. Their errors stand in the jobs, before and after.
 * Returns the loss of each, as the loop counts it: tr(D H D^T) / 2 with the damped Hessian.
 */
export async function sweepColumns(
  pool: KernelPool,
  couplings: Couplings,
  jobs: readonly LoopJob[],
  { sweeps, stretch, signal }: SweepOptions,
): Promise<number[]> {
  const { arena } = pool;
  const mark = arena.mark();
  // In float32: a sweep is to lose nothing again of what the one before it has gained.
  const updates = new DeviceUpdates(pool, couplings, jobs, { blocks: stretch, precision: 'float32' });
  try {
    for (let sweep = 0; sweep < sweeps; sweep++) {
      throwIfCancelled(signal);
      const errors = updates.errors();
      const toMakeUpFor = span('tensors', 'errors behind', () => errorsBehind(errors, couplings.upper));
      errors.dispose();
      updates.startFrom(toMakeUpFor);
      await quantizeStretches(pool, updates, jobs.map(refined), { compensate: true, signal });
    }
    return lossesOf(updates, couplings, jobs);
  } finally {
    updates.dispose();
    arena.release(mark);
  }
}

/** Columns whose part of the triangle is cut out at a time. */
const TRIANGLE_COLUMNS = 6 * BLOCK;

/**
 * What each column has to make up for of the columns behind it: the errors times what lies below the diagonal.
 * @param errors [rows, columns]
 * @param upper [columns, columns], zero on the diagonal
 */
function errorsBehind(errors: tf.Tensor2D, upper: tf.Tensor2D): tf.Tensor2D {
  const [rows, columns] = errors.shape;
  return tf.tidy(() => {
    const parts: tf.Tensor2D[] = [];
    for (let first = 0; first < columns; first += TRIANGLE_COLUMNS) {
      const size = Math.min(TRIANGLE_COLUMNS, columns - first);
      const end = first + size;
      parts.push(
        tf.tidy(() => {
          const triangle = tf.linalg.bandPart(tf.slice(upper, [first, first], [size, size]), -1, 0);
          const within = tf.matMul<tf.Tensor2D>(tf.slice(errors, [0, first], [rows, size]), triangle);
          if (end === columns) return within;
          const rest = tf.slice(errors, [0, end], [rows, columns - end]);
          const below = tf.slice(upper, [end, first], [columns - end, size]);
          return tf.add(within, tf.matMul<tf.Tensor2D>(rest, below));
        }),
      );
    }
    return tf.concat2d(parts, 1);
  });
}

/** tr(D H D^T) / 2 of each matrix; rows weigh the squares of their scales. */
function lossesOf(updates: DeviceUpdates, { upper, d }: Couplings, jobs: readonly LoopJob[]): number[] {
  const sums = tf.tidy(() => {
    const errors = updates.errors();
    const slopes = tf.tidy(() => tf.add<tf.Tensor2D>(errors, tf.matMul(errors, upper)));
    return tf.matMul<tf.Tensor2D>(tf.mul(errors, slopes), tf.tensor2d(Float32Array.from(d), [d.length, 1]));
  });
  const rows = sums.dataSync<'float32'>();
  sums.dispose();
  let first = 0;
  return jobs.map(({ input }) => {
    let loss = 0;
    for (let row = 0; row < input.rows; row++) {
      const scale = input.rowScales?.[row] ?? 1;
      loss += ((rows[first + row] ?? 0) * scale * scale) / 2;
    }
    first += roundUp(input.rows, STRIP);
    return loss;
  });
}

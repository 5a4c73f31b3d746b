/**
 * Sweeps of coordinate descent behind the column loop. The loop decides each column once, before it knows what becomes of the
 * columns behind it. A sweep goes over all columns again and gives each the codebook and codes that are best while all
 * others stay: with D = W - Q, the best values of column j are
 *
 *     w_j = W_j + (sum over i != j of D_i H[i, j]) / H[j, j]
 *
 * and the loss tr(D H D^T) can only fall, but for what a codebook's search leaves. The form is the loop's own, with
 * H[i, j] / H[j, j] in place of the factor U; only that the columns behind have errors from the beginning.
 * (Coordinate descent on the layer's output error: Behdin et al. 2023, QuantEase.)
 */
import * as tf from '@tensorflow/tfjs-core';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { STRIP, roundUp } from '../kernels/layout.ts';
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
  const behind = tf.tidy(() => tf.linalg.bandPart(couplings.upper, -1, 0));
  const updates = new DeviceUpdates(pool, couplings, jobs, stretch);
  try {
    for (let sweep = 0; sweep < sweeps; sweep++) {
      throwIfCancelled(signal);
      const errors = updates.errors();
      const toMakeUpFor = span('tensors', 'errors behind', () => tf.matMul<tf.Tensor2D>(errors, behind));
      errors.dispose();
      updates.startFrom(toMakeUpFor);
      await quantizeStretches(pool, updates, jobs.map(refined), { compensate: true, signal });
    }
    return lossesOf(updates, couplings, jobs);
  } finally {
    updates.dispose();
    behind.dispose();
    arena.release(mark);
  }
}

/** tr(D H D^T) / 2 of each matrix; rows weigh the squares of their scales. */
function lossesOf(updates: DeviceUpdates, { upper, d }: Couplings, jobs: readonly LoopJob[]): number[] {
  const rows = tf.tidy(() => {
    const errors = updates.errors();
    const slopes = tf.add(errors, tf.matMul(errors, upper));
    const weighted = tf.mul(tf.mul(errors, slopes), tf.tensor2d(Float32Array.from(d), [1, d.length]));
    return tf.sum(weighted, 1).dataSync<'float32'>();
  });
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

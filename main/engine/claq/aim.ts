/** The matrices that the column loop aims at, in place of the original ones, where the model before them has drifted. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import type { Drift } from './drift.ts';
import type { HessianFactor } from './factor.ts';
import { solveFactored } from './solve-factored.ts';

export interface CorrectedMatrix {
  readonly rows: number;
  /** W, [rows, columns] row-major. */
  readonly weights: Float32Array;
}

/**
 * W* = W + (a W (X - X^) + r (h - h^)) X^^T H^-1 of each matrix of a group, [rows, columns] row-major. What stands behind W, or
 * where matrices share their inputs what they multiply, is solved for once.
 */
export function aimedWeights(
  pool: KernelPool,
  factor: HessianFactor,
  matrices: readonly CorrectedMatrix[],
  drift: Drift,
): Float32Array[] {
  const correction = solveFactored(pool, factor, drift.products);
  try {
    return matrices.map((matrix) => {
      const aimed = tf.tidy(() => corrected(matrix, drift, correction));
      try {
        return aimed.dataSync<'float32'>();
      } finally {
        aimed.dispose();
      }
    });
  } finally {
    correction.dispose();
  }
}

function corrected(
  { rows, weights }: CorrectedMatrix,
  { of }: Pick<Drift, 'of'>,
  correction: tf.Tensor2D,
): tf.Tensor2D {
  const original = tf.tensor2d(weights, [rows, weights.length / rows]);
  return tf.add(original, of === 'inputs' ? tf.matMul(original, correction) : correction);
}

/** The matrix that the column loop aims at, in place of the original one, where the model before it has drifted. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { asymmetricTerm } from './asymmetric-calibration.ts';
import type { Drift } from './drift.ts';
import type { HessianFactor } from './factor.ts';
import { residualTerm } from './residual-correction.ts';
import { solveFactored } from './solve-factored.ts';

/** Parts of the corrections that are made, 0 to 1: all of them would be right on the calibration text alone. */
export interface CorrectionStrengths {
  readonly asymmetric: number;
  readonly residual: number;
}

/**
 * W* = W + (a W (X - X^) + r (h - h^)) X^^T H^-1, [rows, columns] row-major.
 * @param weights W, likewise
 */
export function aimedWeights(
  pool: KernelPool,
  factor: HessianFactor,
  { rows, weights }: { readonly rows: number; readonly weights: Float32Array },
  drift: Drift,
  { asymmetric, residual }: CorrectionStrengths,
): Float32Array {
  const aimed = tf.tidy(() => {
    const original = tf.tensor2d(weights, [rows, factor.columns]);
    const terms: tf.Tensor2D[] = [];
    if (asymmetric > 0) terms.push(tf.mul(asymmetricTerm(original, drift), asymmetric));
    const stream = residualTerm(drift);
    if (residual > 0 && stream !== undefined) terms.push(tf.mul(stream, residual));
    if (terms.length === 0) return original;
    return tf.add<tf.Tensor2D>(original, solveFactored(pool, factor, tf.addN(terms)));
  });
  try {
    return aimed.dataSync<'float32'>();
  } finally {
    aimed.dispose();
  }
}

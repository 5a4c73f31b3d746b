import * as tf from '@tensorflow/tfjs-core';
import type { Drift } from './drift.ts';

/**
 * Asymmetric calibration: a layer of the quantized model gets inputs X^ that are not the original's X. What it should give is
 * W X, not W X^; of all matrices, W + W (X - X^) X^^T H^-1 comes nearest to that on X^. This is the matrix in front of H^-1.
 * (GPTAQ, Li et al. 2025, calls the mismatch so; here the aim of the whole loop moves, not single columns' updates.)
 * @param weights [rows, columns]
 * @returns [rows, columns], on the backend: the caller's
 */
export function asymmetricTerm(weights: tf.Tensor2D, { inputs }: Drift): tf.Tensor2D {
  return tf.matMul(weights, inputs);
}

/**
 * Asymmetric calibration: a layer of the quantized model gets inputs X^ that are not the original's X. What it should give is
 * W X, not W X^; of all matrices, W + W (X - X^) X^^T H^-1 comes nearest to that on X^.
 * (GPTAQ, Li et al. 2025, calls the mismatch so; here the aim of the whole loop moves, not single columns' updates.)
 */
import * as tf from '@tensorflow/tfjs-core';

/** X - X^, [tokens, columns]: all that matrices need which share their inputs. */
export function missedInput(original: tf.Tensor2D, quantized: tf.Tensor2D): tf.Tensor2D {
  return tf.sub(original, quantized);
}

/**
 * W (X - X^), [tokens, rows]. A matrix alone has no use for more, and the sums over [rows, columns] are smaller than those of
 * its inputs.
 * @param weights W, [rows, columns]
 */
export function missedOutput(
  weights: tf.Tensor2D,
  original: tf.Tensor2D,
  quantized: tf.Tensor2D,
): tf.Tensor2D {
  return tf.matMul(missedInput(original, quantized), weights, false, true);
}

import * as tf from '@tensorflow/tfjs-core';

/** Widest run of values that is summed in one go; see meanOfSquares. */
const SUM_WIDTH = 32;

/**
 * RMS norm over the last axis: x / sqrt(mean(x^2) + epsilon) * weight, all in float32 like Hugging Face's RMSNorm.
 * `x` [..., width], `weight` [width].
 */
export function rmsNorm<R extends tf.Rank>(
  x: tf.Tensor<R>,
  weight: tf.Tensor1D,
  epsilon: number,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const scale = tf.rsqrt(tf.add(meanOfSquares(x), epsilon));
    return tf.mul<tf.Tensor<R>>(weight, tf.mul(x, scale));
  });
}

/**
 * mean(x^2) over the last axis, which is kept with size 1. Summed in two levels, short runs and then their sums: a
 * backend that adds thousands of float32 values one after the other is off by 1e-6 of the result and more.
 */
function meanOfSquares(x: tf.Tensor): tf.Tensor {
  const leading = x.shape.slice(0, -1);
  const width = x.shape.at(-1) ?? 1;
  const run = greatestDivisor(width, SUM_WIDTH);
  const runs = tf.sum(tf.reshape(tf.square(x), [...leading, width / run, run]), -1);
  return tf.div(tf.sum(runs, -1, true), width);
}

/** The greatest divisor of `value` that is at most `limit`. */
function greatestDivisor(value: number, limit: number): number {
  let divisor = Math.min(value, limit);
  while (value % divisor !== 0) divisor--;
  return divisor;
}

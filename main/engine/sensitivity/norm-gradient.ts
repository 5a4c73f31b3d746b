import * as tf from '@tensorflow/tfjs-core';

/**
 * The gradient of rmsNorm (transformer/norm.ts) with respect to its input, all tensors [..., width] but `weight` [width]:
 * with r = (mean(x^2) + epsilon)^-1/2 and g = weight * gradient, it is r g - x r^3 mean(x g). Zhang and Sennrich, Root Mean
 * Square Layer Normalization (2019), section 4.
 * @param gradient with respect to the norm's output
 */
export function rmsNormGradient<R extends tf.Rank>(
  x: tf.Tensor<R>,
  weight: tf.Tensor1D,
  epsilon: number,
  gradient: tf.Tensor<R>,
): tf.Tensor<R> {
  return tf.tidy(() => {
    const scale = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
    const weighted = tf.mul(gradient, weight);
    const alongX = tf.mul(tf.pow(scale, 3), tf.mean(tf.mul(x, weighted), -1, true));
    return tf.sub<tf.Tensor<R>>(tf.mul(weighted, scale), tf.mul(x, alongX));
  });
}

import * as tf from '@tensorflow/tfjs-core';

/** What gate and up make of x becomes the input of down (SwiGLU): silu(gate(x)) * up(x), [T, ffn]. */
export function gatedUnit(gated: tf.Tensor2D, raised: tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => {
    const silu = tf.mul(gated, tf.sigmoid(gated));
    return tf.mul<tf.Tensor2D>(silu, raised);
  });
}

import * as tf from '@tensorflow/tfjs-core';
import { type LinearWeights, linear } from './linear.ts';

/** The gated half of the feed-forward network (SwiGLU): silu(gate(x)) * up(x), [T, hidden] -> [T, ffn]. */
export function gatedUnit(x: tf.Tensor2D, gate: LinearWeights, up: LinearWeights): tf.Tensor2D {
  return tf.tidy(() => {
    const gated = linear(x, gate);
    const silu = tf.mul(gated, tf.sigmoid(gated));
    return tf.mul<tf.Tensor2D>(silu, linear(x, up));
  });
}

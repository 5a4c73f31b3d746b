/**
 * Residual correction: o and down add their output to the residual stream, which in the quantized model has already drifted
 * from h to h^. What they add may make up for it: the matrix to aim at gets (h - h^) X^^T H^-1 more. The other matrices do not
 * write to the stream.
 */
import * as tf from '@tensorflow/tfjs-core';

/** h - h^, [tokens, hidden size]. */
export function missedStream(original: tf.Tensor2D, quantized: tf.Tensor2D): tf.Tensor2D {
  return tf.sub(original, quantized);
}

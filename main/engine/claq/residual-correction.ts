import type * as tf from '@tensorflow/tfjs-core';
import type { Drift } from './drift.ts';

/**
 * Residual correction: o and down add their output to the residual stream, which in the quantized model has already drifted
 * from h to h^. What they add may make up for it: the matrix to aim at gets (h - h^) X^^T H^-1 more. This is the matrix in front
 * of H^-1; undefined for the other matrices, which do not write to the stream.
 * @returns [rows, columns], on the backend: the drift's, as it is
 */
export function residualTerm({ stream }: Drift): tf.Tensor2D | undefined {
  return stream;
}

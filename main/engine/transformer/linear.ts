import * as tf from '@tensorflow/tfjs-core';
import { forwardProduct } from '../tensors/forward-product.ts';

export interface LinearWeights {
  /** [out features, in features]. */
  readonly weight: tf.Tensor2D;
  /** [out features]. */
  readonly bias: tf.Tensor1D | undefined;
}

/** x W^T + bias: `x` [T, in features] -> [T, out features]. */
export function linear(x: tf.Tensor2D, { weight, bias }: LinearWeights): tf.Tensor2D {
  return tf.tidy(() => {
    const product = forwardProduct(x, weight);
    return bias === undefined ? product : tf.add<tf.Tensor2D>(product, bias);
  });
}

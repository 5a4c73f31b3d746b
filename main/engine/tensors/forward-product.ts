/** The products of the forward pass, in the precision that the engine was started with. */
import * as tf from '@tensorflow/tfjs-core';
import type { ForwardPrecision } from '../../../shared/engine.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { halfProduct } from './tensorflow/half-product.ts';
import { tensorflowInUse } from './tensorflow/tensorflow-backend.ts';

let precision: ForwardPrecision = 'float32';

/**
 * Sets the precision of the products from here on; half precision needs TensorFlow in use.
 * Throws ClaqError engine/backend-unavailable.
 */
export function setForwardPrecision(wanted: ForwardPrecision): void {
  if (wanted !== 'float32' && tensorflowInUse() === undefined) {
    throw new ClaqError('engine/backend-unavailable', `The forward pass in ${wanted} needs TensorFlow`, {
      expected: 'the engine tensorflow-gpu or tensorflow-cpu',
      found: tf.getBackend(),
      remedy: 'set TensorFlow up (claq setup), or leave the forward pass in float32',
    });
  }
  precision = wanted;
}

/** What to do where the forward pass overflows the precision that is set. */
export function overflowRemedy(): string {
  return precision === 'float32'
    ? 'check the model: its forward pass overflows float32 on this text'
    : `the forward pass overflows ${precision} on this text: take --forward-precision float32`;
}

/** x W^T: `x` [T, in features], `weight` [out features, in features] -> [T, out features], float32. */
export function forwardProduct(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  const tensorflow = precision === 'float32' ? undefined : tensorflowInUse();
  if (tensorflow === undefined || precision === 'float32')
    return tf.matMul<tf.Tensor2D>(x, weight, false, true);
  return halfProduct(tensorflow, x, weight, { precision, transposeSecond: true });
}

import type * as tf from '@tensorflow/tfjs-core';
import { onHandles } from './on-handles.ts';
import { TF_BFLOAT16, TF_HALF, type TensorflowBackend } from './tensorflow-backend.ts';

/**
 * x W^T in half precision: both operands are rounded to it, the sums are float32 inside of TensorFlow's kernels, and the
 * product is rounded to it once more before it comes back as float32. `x` [T, in features], `weight` [out features, in
 * features] -> [T, out features].
 */
export function halfProduct(
  backend: TensorflowBackend,
  x: tf.Tensor2D,
  weight: tf.Tensor2D,
  precision: 'bfloat16' | 'float16',
): tf.Tensor2D {
  const float = backend.binding.TF_FLOAT;
  const half = precision === 'bfloat16' ? TF_BFLOAT16 : TF_HALF;
  return onHandles(backend, [x.shape[0], weight.shape[0]], ({ cast, execute, type, flag }) => {
    const operands = backend.getInputTensorIds([x, weight]).map((operand) => cast(float, half, operand));
    const transposed = [type('T', half), flag('transpose_a', false), flag('transpose_b', true)];
    return cast(half, float, execute('MatMul', transposed, operands));
  });
}

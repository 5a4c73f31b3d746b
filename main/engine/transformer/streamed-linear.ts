import * as tf from '@tensorflow/tfjs-core';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';

/** Rows [from, to) of a matrix, row-major. The values are there until the next rows are asked for. */
export interface MatrixRows {
  readonly from: number;
  readonly to: number;
  readonly values: Float32Array;
}

/**
 * x W^T + bias with W a few rows at a time, in their order: it is never there whole, however large. In float32, whatever the
 * forward pass is in: rounded to half precision, the same weights in other bands would not give the same.
 * `x` [T, in features] -> [T, out features]; the caller disposes the result.
 * @throws what the rows throw; ClaqError run/cancelled, engine/out-of-memory
 */
export async function streamedLinear(
  x: tf.Tensor2D,
  rows: AsyncIterable<MatrixRows>,
  bias: tf.Tensor1D | undefined,
  signal?: AbortSignal,
): Promise<tf.Tensor2D> {
  const [, columns] = x.shape;
  const parts: tf.Tensor2D[] = [];
  try {
    for await (const { from, to, values } of rows) {
      throwIfCancelled(signal);
      const part = await tensorErrors(() =>
        tf.tidy(() => tf.matMul<tf.Tensor2D>(x, tf.tensor2d(values, [to - from, columns]), false, true)),
      );
      parts.push(part);
    }
    return tf.tidy(() => {
      const product = tf.concat2d(parts, 1);
      return bias === undefined ? product : tf.add<tf.Tensor2D>(product, bias);
    });
  } finally {
    tf.dispose(parts);
  }
}

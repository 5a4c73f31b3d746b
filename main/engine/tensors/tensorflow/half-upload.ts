import type * as tf from '@tensorflow/tfjs-core';
import { onHandles } from './on-handles.ts';
import { TF_BFLOAT16, TF_HALF, type TensorflowBackend } from './tensorflow-backend.ts';

/**
 * Uploads F16 or BF16 values as bytes and casts them to float32 where TensorFlow computes: half the transfer, and none of
 * the conversion in JavaScript. Exact: every half is a float32.
 * @param bytes two a value, little-endian; not to be changed while the tensor lives
 * @returns float32 of this shape; the caller disposes it
 */
export function uploadHalves(
  backend: TensorflowBackend,
  dtype: 'F16' | 'BF16',
  bytes: Uint8Array,
  shape: [rows: number, columns: number],
): tf.Tensor2D {
  const { TF_FLOAT, TF_UINT8 } = backend.binding;
  const half = dtype === 'F16' ? TF_HALF : TF_BFLOAT16;
  return onHandles(backend, shape, ({ own, cast, execute, type }) => {
    // A trailing axis of two bytes becomes one half.
    const raw = own(backend.binding.createTensor([...shape, 2], TF_UINT8, bytes));
    return cast(half, TF_FLOAT, execute('Bitcast', [type('T', TF_UINT8), type('type', half)], [raw]));
  });
}

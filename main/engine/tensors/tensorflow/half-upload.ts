import * as tf from '@tensorflow/tfjs-core';
import { type OpAttribute, TF_BFLOAT16, TF_HALF, type TensorflowBackend } from './tensorflow-backend.ts';

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
  const { binding } = backend;
  const half = dtype === 'F16' ? TF_HALF : TF_BFLOAT16;
  const type = (name: string, value: number): OpAttribute => ({
    name,
    type: binding.TF_ATTR_TYPE,
    value,
  });
  const handles: number[] = [];
  const execute = (op: string, attributes: readonly OpAttribute[], input: number): number => {
    const [output] = binding.executeOp(op, attributes, [input], 1);
    if (output === undefined) throw new Error(`TensorFlow's ${op} gave nothing`);
    return output.id;
  };
  try {
    // A trailing axis of two bytes becomes one half.
    const raw = binding.createTensor([...shape, 2], binding.TF_UINT8, bytes);
    handles.push(raw);
    const halves = execute('Bitcast', [type('T', binding.TF_UINT8), type('type', half)], raw);
    handles.push(halves);
    const cast = [type('SrcT', half), type('DstT', binding.TF_FLOAT)];
    const floats = execute(
      'Cast',
      [...cast, { name: 'Truncate', type: binding.TF_ATTR_BOOL, value: false }],
      halves,
    );
    const output = { id: floats, shape, dtype: binding.TF_FLOAT };
    return tf.tidy(() => tf.reshape<tf.Rank.R2>(backend.createOutputTensor(output), shape));
  } finally {
    for (const handle of handles) binding.deleteTensor(handle);
  }
}

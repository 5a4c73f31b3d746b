import * as tf from '@tensorflow/tfjs-core';
import { type OpAttribute, TF_BFLOAT16, TF_HALF, type TensorflowBackend } from './tensorflow-backend.ts';

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
  const { binding } = backend;
  const half = precision === 'bfloat16' ? TF_BFLOAT16 : TF_HALF;
  const shape: [number, number] = [x.shape[0], weight.shape[0]];
  const handles: number[] = [];
  const execute = (op: string, attributes: readonly OpAttribute[], inputs: readonly number[]): number => {
    const [output] = binding.executeOp(op, attributes, inputs, 1);
    if (output === undefined) throw new Error(`TensorFlow's ${op} gave nothing`);
    return output.id;
  };
  const type = (name: string, value: number): OpAttribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const flag = (name: string, value: boolean): OpAttribute => ({ name, type: binding.TF_ATTR_BOOL, value });
  const cast = (from: number, to: number, input: number): number =>
    execute('Cast', [type('SrcT', from), type('DstT', to), flag('Truncate', false)], [input]);
  try {
    for (const operand of backend.getInputTensorIds([x, weight]))
      handles.push(cast(binding.TF_FLOAT, half, operand));
    const transposed = [type('T', half), flag('transpose_a', false), flag('transpose_b', true)];
    const product = execute('MatMul', transposed, handles);
    handles.push(product);
    const output = { id: cast(half, binding.TF_FLOAT, product), shape, dtype: binding.TF_FLOAT };
    return tf.tidy(() => tf.reshape<tf.Rank.R2>(backend.createOutputTensor(output), shape));
  } finally {
    for (const handle of handles) binding.deleteTensor(handle);
  }
}

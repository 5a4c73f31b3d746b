import * as tf from '@tensorflow/tfjs-core';
import type { OpAttribute, TensorflowBackend } from './tensorflow-backend.ts';

/** TensorFlow's operations on its own handles. What they give is freed when the work ends. */
export interface HandleOps {
  /** Frees this handle too. */
  readonly own: (handle: number) => number;
  readonly execute: (op: string, attributes: readonly OpAttribute[], inputs: readonly number[]) => number;
  readonly cast: (from: number, to: number, input: number) => number;
  readonly type: (name: string, value: number) => OpAttribute;
  readonly flag: (name: string, value: boolean) => OpAttribute;
}

/**
 * Does work that goes through element types tfjs has none for.
 * @param work gives a float32 handle, from `ops`
 * @returns its values as a tensor of this shape; the caller disposes it
 */
export function onHandles(
  backend: TensorflowBackend,
  shape: [rows: number, columns: number],
  work: (ops: HandleOps) => number,
): tf.Tensor2D {
  const { binding } = backend;
  const handles = new Set<number>();
  const ops: HandleOps = {
    own: (handle) => {
      handles.add(handle);
      return handle;
    },
    execute: (op, attributes, inputs) => {
      const [output] = binding.executeOp(op, attributes, inputs, 1);
      if (output === undefined) throw new Error(`TensorFlow's ${op} gave nothing`);
      return ops.own(output.id);
    },
    cast: (from, to, input) =>
      ops.execute(
        'Cast',
        [ops.type('SrcT', from), ops.type('DstT', to), ops.flag('Truncate', false)],
        [input],
      ),
    type: (name, value) => ({ name, type: binding.TF_ATTR_TYPE, value }),
    flag: (name, value) => ({ name, type: binding.TF_ATTR_BOOL, value }),
  };
  try {
    const result = work(ops);
    // It belongs to the tensor from here on.
    handles.delete(result);
    const output = { id: result, shape, dtype: binding.TF_FLOAT };
    return tf.tidy(() => tf.reshape<tf.Rank.R2>(backend.createOutputTensor(output), shape));
  } finally {
    for (const handle of handles) binding.deleteTensor(handle);
  }
}

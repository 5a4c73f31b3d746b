/** What of tfjs-node's backend is used beyond the operations of tfjs: its binding to TensorFlow's C API. */
import * as tf from '@tensorflow/tfjs-core';

/** The name that tfjs-node's kernels are registered under, on a CPU and on a GPU. */
export const TENSORFLOW_BACKEND = 'tensorflow';

/** TensorFlow's numbers of the element types that tfjs has none for (tensorflow/c/tf_datatype.h). */
export const TF_BFLOAT16 = 14;
export const TF_HALF = 19;

export interface TensorMetadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

export interface TensorflowBinding {
  readonly TF_Version: string;
  readonly TF_FLOAT: number;
  readonly TF_UINT8: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  isUsingGpuDevice(): boolean;
  /** Handle of a new tensor on the host. The array is shared, not copied: it must not change while the tensor lives. */
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  deleteTensor(id: number): void;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorMetadata[];
}

export interface TensorflowBackend {
  readonly binding: TensorflowBinding;
  executeSingleOutput(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  /** Handles of tfjs tensors, which still own them. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** A tfjs tensor of TensorFlow's handle, which it owns from then on. */
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  /** Handles that TensorFlow holds, those that tfjs does not count among them. */
  getNumOfTFTensors(): number;
}

export function isBinding(value: unknown): value is TensorflowBinding {
  return (
    hasFunctions(value, ['createTensor', 'deleteTensor', 'executeOp', 'isUsingGpuDevice']) &&
    'TF_Version' in value &&
    typeof value.TF_Version === 'string'
  );
}

export function isTensorflowBackend(value: unknown): value is TensorflowBackend {
  return (
    hasFunctions(value, [
      'executeSingleOutput',
      'getInputTensorIds',
      'createOutputTensor',
      'getNumOfTFTensors',
    ]) &&
    'binding' in value &&
    isBinding(value.binding)
  );
}

/** The TensorFlow backend where tensor operations run on it; undefined where they run on another. */
export function tensorflowInUse(): TensorflowBackend | undefined {
  if (tf.getBackend() !== TENSORFLOW_BACKEND) return undefined;
  const backend: unknown = tf.findBackend(TENSORFLOW_BACKEND);
  if (!isTensorflowBackend(backend))
    throw new TypeError('tfjs has another backend under the name tensorflow');
  return backend;
}

/** Whether the values of tensors are in the host's memory, not held twice and not in WebAssembly's: TensorFlow on the CPU. */
export function isHostBackend(): boolean {
  return tensorflowInUse()?.binding.isUsingGpuDevice() === false;
}

function hasFunctions(value: unknown, names: readonly string[]): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const members: object = value;
  return names.every((name) => typeof Reflect.get(members, name) === 'function');
}

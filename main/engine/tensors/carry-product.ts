/** The products that carry errors from the columns that are quantized to those behind them. */
import * as tf from '@tensorflow/tfjs-core';
import { processorInstructionSets } from './processor.ts';
import { halfProduct } from './tensorflow/half-product.ts';
import { tensorflowInUse } from './tensorflow/tensorflow-backend.ts';

export type CarryPrecision = 'float32' | 'bfloat16';

/**
 * bfloat16 where the processor multiplies whole tiles of it (AMX), five times as fast as float32 there; else float32. What a
 * column makes up for is off by 2^-8 of the sum of its terms' sizes at most then, and is an error of that column's as any other:
 * the loss of a matrix does not change by more than another order of sums would change it (npm run bench:loop). By what the
 * processor is, not by a measurement: it decides the bytes.
 */
export function carryPrecision(): CarryPrecision {
  const tensorflow = tensorflowInUse();
  if (tensorflow === undefined || tensorflow.binding.isUsingGpuDevice()) return 'float32';
  return processorInstructionSets()?.has('amx_bf16') === true ? 'bfloat16' : 'float32';
}

/** errors U: `errors` [rows, columns before], `carrying` [columns before, columns] -> [rows, columns], float32. bfloat16 needs TensorFlow. */
export function carryProduct(
  errors: tf.Tensor2D,
  carrying: tf.Tensor2D,
  precision: CarryPrecision,
): tf.Tensor2D {
  if (precision === 'float32') return tf.matMul<tf.Tensor2D>(errors, carrying);
  const tensorflow = tensorflowInUse();
  if (tensorflow === undefined) throw new Error('only TensorFlow multiplies in bfloat16');
  return halfProduct(tensorflow, errors, carrying, { precision, transposeSecond: false });
}

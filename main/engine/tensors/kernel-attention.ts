/** Attention on our kernel threads in place of tfjs's operations, on engines that compute on the processor. */
import * as tf from '@tensorflow/tfjs-core';
import { type AttentionInputs, attendOnKernels, attentionFits } from '../kernels/attention.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';

let kernels: KernelPool | undefined;

/**
 * A segment's attention is many narrow products and a softmax over scores that are larger than everything else: on a processor
 * tfjs's operations wait for memory, the kernels keep the scores in the cache.
 * @returns puts the operations back
 */
export function useKernelsForAttention(pool: KernelPool): () => void {
  kernels = pool;
  return () => {
    kernels = undefined;
  };
}

/** Causal attention, [T, heads * headDim], on the kernel threads; undefined where they are not in use for it, or have no room. */
export function kernelAttention(attention: AttentionInputs<tf.Tensor2D>): tf.Tensor2D | undefined {
  if (kernels === undefined || !attentionFits(attention)) return undefined;
  const { queries, keys, values, cos, sin, ...shape } = attention;
  const mixed = attendOnKernels(kernels, {
    ...shape,
    queries: queries.dataSync<'float32'>(),
    keys: keys.dataSync<'float32'>(),
    values: values.dataSync<'float32'>(),
    cos: cos.dataSync<'float32'>(),
    sin: sin.dataSync<'float32'>(),
  });
  return tf.tensor2d(mixed, queries.shape);
}

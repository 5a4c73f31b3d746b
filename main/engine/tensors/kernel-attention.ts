/** Attention on our kernel threads in place of tfjs's operations, on engines that compute on the processor. */
import * as tf from '@tensorflow/tfjs-core';
import { attendOnKernels, attentionFits } from '../kernels/attention.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';

/** One segment's attention, before rotation and scaling. */
export interface SegmentAttention {
  /** [T, heads * headDim]. */
  readonly queries: tf.Tensor2D;
  /** [T, kvHeads * headDim]. */
  readonly keys: tf.Tensor2D;
  readonly values: tf.Tensor2D;
  readonly heads: number;
  readonly kvHeads: number;
  /** Keys that a query sees, itself included. */
  readonly window: number;
  /** Of each token's rotation, [T, headDim / 2]. */
  readonly cos: tf.Tensor2D;
  readonly sin: tf.Tensor2D;
}

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
export function kernelAttention(attention: SegmentAttention): tf.Tensor2D | undefined {
  const { queries, heads, kvHeads, window } = attention;
  const [tokens, width] = queries.shape;
  const shape = { tokens, heads, kvHeads, headDim: width / heads };
  if (kernels === undefined || !attentionFits(shape)) return undefined;
  const mixed = attendOnKernels(kernels, {
    ...shape,
    window,
    queries: queries.dataSync<'float32'>(),
    keys: attention.keys.dataSync<'float32'>(),
    values: attention.values.dataSync<'float32'>(),
    cos: attention.cos.dataSync<'float32'>(),
    sin: attention.sin.dataSync<'float32'>(),
  });
  return tf.tensor2d(mixed, [tokens, width]);
}

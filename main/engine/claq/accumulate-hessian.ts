import * as tf from '@tensorflow/tfjs-core';
import { tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import type { Hessian } from './hessian.ts';

export interface CalibrationInputs {
  readonly segments: number;
  /** Inputs of the layer for one segment, [tokens, columns]; this side disposes them. */
  readonly input: (segment: number) => tf.Tensor2D;
  readonly onSegment: (segment: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Adds all segments' inputs to an empty Hessian. TensorFlow keeps the sum where it computes, in float32, and it comes over
 * once at the end; on other backends the kernels add up. Throws ClaqError run/cancelled.
 */
export async function accumulateHessian(hessian: Hessian, inputs: CalibrationInputs): Promise<void> {
  if (tensorflowInUse() === undefined) await accumulateOnKernels(hessian, inputs);
  else await accumulateOnBackend(hessian, inputs);
}

async function accumulateOnKernels(
  hessian: Hessian,
  { segments, input, onSegment, signal }: CalibrationInputs,
): Promise<void> {
  await forEachSegment(segments, signal, async (segment) => {
    const tensor = input(segment);
    const [tokens] = tensor.shape;
    const values = tensor.dataSync<'float32'>();
    tensor.dispose();
    await hessian.add(values, tokens);
    onSegment(segment);
  });
}

async function accumulateOnBackend(
  hessian: Hessian,
  { segments, input, onSegment, signal }: CalibrationInputs,
): Promise<void> {
  let products: tf.Tensor2D = tf.zeros([hessian.columns, hessian.columns]);
  try {
    await forEachSegment(segments, signal, (segment) => {
      const before = products;
      products = tf.tidy(() => {
        const inputs = input(segment);
        return tf.add<tf.Tensor2D>(before, tf.matMul(inputs, inputs, true, false));
      });
      before.dispose();
      onSegment(segment);
    });
    hessian.loadProducts(products.dataSync<'float32'>(), segments);
  } finally {
    products.dispose();
  }
}

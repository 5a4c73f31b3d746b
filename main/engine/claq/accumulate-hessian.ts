import type * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import { span } from '../trace.ts';
import type { BatchSizes, TokenRange } from '../transformer/batch-sizes.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import { DeviceHessian } from './device-hessian.ts';
import type { HessianFactor } from './factor.ts';
import { Hessian } from './hessian.ts';

export interface CalibrationInputs {
  readonly segments: number;
  /** Number of tokens of a segment. */
  readonly tokens: (segment: number) => number;
  /** Inputs of the layer for one segment or some of its tokens, [tokens, columns]; this side disposes them. */
  readonly input: (segment: number, rows?: TokenRange) => tf.Tensor2D;
  readonly onSegment: (segment: number) => void;
  readonly signal: AbortSignal | undefined;
  /** How many tokens TensorFlow takes at a time; they shrink where its memory runs out. */
  readonly sizes: BatchSizes;
}

/**
 * For the inputs of a group of matrices. Where it stands, it is factored: with TensorFlow on its device, and then it is the
 * caller's to dispose; else in the kernels' memory, where the caller's mark of the arena owns it.
 */
export function emptyHessian(pool: KernelPool, columns: number): Hessian | DeviceHessian {
  return hessianHome() === 'kernels' ? new Hessian(pool, columns) : new DeviceHessian(columns);
}

/** Where Hessians stand, on the backend that has been started. */
export function hessianHome(): HessianFactor['home'] {
  return tensorflowInUse() === undefined ? 'kernels' : 'device';
}

/**
 * Adds all segments' inputs to an empty Hessian, in float32, and gives it back; where that fails, one on the device is disposed.
 * Throws ClaqError run/cancelled, engine/out-of-memory.
 */
export async function accumulateHessian<H extends Hessian | DeviceHessian>(
  hessian: H,
  inputs: CalibrationInputs,
): Promise<H> {
  try {
    if (hessian.home === 'device') await accumulateOnDevice(hessian, inputs);
    else await accumulateOnKernels(hessian, inputs);
    return hessian;
  } catch (error) {
    if (hessian.home === 'device') hessian.dispose();
    throw error;
  }
}

async function accumulateOnDevice(
  hessian: DeviceHessian,
  { segments, tokens, input, onSegment, signal, sizes }: CalibrationInputs,
): Promise<void> {
  const add = (segment: number): void => {
    span('tensors', 'Hessian of a segment', () =>
      hessian.addSegment(tokens(segment), sizes, (rows) => input(segment, rows)),
    );
    onSegment(segment);
  };
  await forEachSegment(segments, signal, add, sizes);
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

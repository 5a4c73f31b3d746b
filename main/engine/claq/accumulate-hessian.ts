import type * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK } from '../kernels/layout.ts';
import { tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import { span } from '../trace.ts';
import type { BatchSizes, TokenRange } from '../transformer/batch-sizes.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import { DeviceHessian } from './device-hessian.ts';
import { WINDOW_BLOCKS } from './device-updates.ts';
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
 * Multiplications behind the first window from which on a group belongs on the device: its products make up for carrying
 * weights, errors and corrections there and back. Some 2048 x 2048 (npm run bench:loop -- --size 2048). A constant, not a
 * measurement at each start: it decides the bytes.
 */
const SMALLEST_DEVICE_UPDATES = 2 ** 32;

/**
 * For the inputs that matrices with so many rows together share. Where it stands, they are factored and made up for. In the
 * kernels' memory the caller's mark of the arena owns it; on the device it is the caller's to dispose.
 */
export function emptyHessian(pool: KernelPool, rows: number, columns: number): Hessian | DeviceHessian {
  return belongsOnDevice(rows, columns) ? new DeviceHessian(columns) : new Hessian(pool, columns);
}

export function belongsOnDevice(rows: number, columns: number): boolean {
  const behind = Math.max(0, columns - WINDOW_BLOCKS * BLOCK);
  return tensorflowInUse() !== undefined && (rows * columns * behind) / 2 >= SMALLEST_DEVICE_UPDATES;
}

/**
 * Adds all segments' inputs to an empty Hessian. TensorFlow adds up where it computes, in float32, and the sum of a Hessian
 * in the kernels' memory comes over once at the end; on other backends the kernels add up. Throws ClaqError run/cancelled.
 */
export async function accumulateHessian(
  hessian: Hessian | DeviceHessian,
  inputs: CalibrationInputs,
): Promise<void> {
  if (hessian.home === 'device') return accumulateOnDevice(hessian, inputs);
  if (tensorflowInUse() === undefined) return accumulateOnKernels(hessian, inputs);
  const sums = new DeviceHessian(hessian.columns);
  try {
    await accumulateOnDevice(sums, inputs);
    sums.moveTo(hessian);
  } finally {
    sums.dispose();
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

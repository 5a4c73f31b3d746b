import * as tf from '@tensorflow/tfjs-core';
import { BLOCK } from '../kernels/layout.ts';
import { tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import { span } from '../trace.ts';
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

/** Rows of X X^T that are multiplied at once: wider bands waste more below the diagonal, narrower ones are slower. */
const BAND_ROWS = 6 * BLOCK;

/** A band of rows of the products, from the diagonal on: [rows, columns - first]. */
type BandSum = { readonly first: number; readonly rows: number; readonly sum: tf.Tensor2D };

function emptyBands(columns: number): BandSum[] {
  const bands = Math.max(1, Math.round(columns / BAND_ROWS));
  const edge = (band: number): number =>
    band === bands ? columns : Math.round((band * columns) / bands / BLOCK) * BLOCK;
  return Array.from({ length: bands }, (_, band) => {
    const [first, end] = [edge(band), edge(band + 1)];
    return { first, rows: end - first, sum: tf.zeros<tf.Rank.R2>([end - first, columns - first]) };
  });
}

function addProducts(bands: readonly BandSum[], inputs: tf.Tensor2D): BandSum[] {
  const [tokens, columns] = inputs.shape;
  return bands.map(({ first, rows, sum }) => {
    const left = tf.slice(inputs, [0, first], [tokens, rows]);
    const right = tf.slice(inputs, [0, first], [tokens, columns - first]);
    return { first, rows, sum: tf.add<tf.Tensor2D>(sum, tf.matMul(left, right, true, false)) };
  });
}

/** The products are symmetric: in bands from the diagonal on they take little more than half of the arithmetic. */
async function accumulateOnBackend(
  hessian: Hessian,
  { segments, input, onSegment, signal }: CalibrationInputs,
): Promise<void> {
  const { columns } = hessian;
  let bands = emptyBands(columns);
  try {
    await forEachSegment(segments, signal, (segment) => {
      const before = bands;
      bands = span('tensors', 'Hessian of a segment', () =>
        tf.tidy(() => addProducts(before, input(segment))),
      );
      tf.dispose(before);
      onSegment(segment);
    });
    for (const { first, sum } of bands) hessian.loadProducts(sum.dataSync<'float32'>(), first);
    hessian.countSegments(segments);
  } finally {
    tf.dispose(bands);
  }
}

/**
 * The calibration segments on their way through one block, stopping before each group of matrices. Of a group it can give
 * the inputs (for the Hessian) and, once the group's quantized weights are in place, take all segments through it. Each
 * linear layer is computed once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { MATRIX_GROUPS, type MatrixGroup, type ModelDescription } from '../../shared/model.ts';
import {
  attentionInput,
  attentionMix,
  attentionOutput,
  ffnGate,
  ffnInput,
  ffnOutput,
} from './transformer/block.ts';
import type { BlockWeights } from './transformer/block-weights.ts';
import type { HiddenStates } from './transformer/hidden-states.ts';
import type { Positions } from './transformer/positions.ts';

/** One group of matrices on the way: all of a segment at a time, since the backend holds one. */
export interface GroupStage {
  readonly group: MatrixGroup;
  /** Inputs of the group's matrices for one segment, [T, columns]. */
  input(segment: number): tf.Tensor2D;
  /** Takes one segment through the group's matrices as they now are. */
  advance(segment: number): void;
}

/**
 * The block's stages, to be done one after another; each `advance` prepares the inputs of the next.
 * @param hidden the residual stream before the block; afterwards, the one behind it
 */
export function* groupStages(
  model: ModelDescription,
  positions: Positions,
  hidden: HiddenStates,
  weights: BlockWeights,
): Generator<GroupStage, void, void> {
  const [attention, output, gateUp, down] = MATRIX_GROUPS;
  const context = new Array<Float32Array>(hidden.segments);
  const activated = new Array<Float32Array>(hidden.segments);
  const download = (step: () => tf.Tensor2D): Float32Array => {
    const tensor = tf.tidy(step);
    const values = tensor.dataSync<'float32'>();
    tensor.dispose();
    return values;
  };
  const upload = (values: Float32Array | undefined, segment: number): tf.Tensor2D => {
    if (values === undefined) throw new Error(`segment ${segment} has not come this far`);
    const length = hidden.length(segment);
    return tf.tensor2d(values, [length, values.length / length]);
  };
  const attentionNormed = (segment: number): tf.Tensor2D =>
    tf.tidy(() => attentionInput(model, hidden.upload(segment), weights));
  const ffnNormed = (segment: number): tf.Tensor2D =>
    tf.tidy(() => ffnInput(model, hidden.upload(segment), weights));

  yield {
    group: attention,
    input: attentionNormed,
    advance(segment) {
      const position = positions.of(hidden.length(segment));
      context[segment] = download(() => attentionMix(model, position, attentionNormed(segment), weights));
    },
  };
  yield {
    group: output,
    input: (segment) => upload(context[segment], segment),
    advance: (segment) =>
      hidden.transform(segment, (x) => attentionOutput(x, upload(context[segment], segment), weights)),
  };
  context.length = 0;
  yield {
    group: gateUp,
    input: ffnNormed,
    advance(segment) {
      activated[segment] = download(() => ffnGate(ffnNormed(segment), weights));
    },
  };
  yield {
    group: down,
    input: (segment) => upload(activated[segment], segment),
    advance: (segment) =>
      hidden.transform(segment, (x) => ffnOutput(x, upload(activated[segment], segment), weights)),
  };
}

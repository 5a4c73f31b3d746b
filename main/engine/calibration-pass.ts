/**
 * The calibration segments on their way through one block, stopping before each group of matrices. Of a group it can give
 * the inputs (for the Hessian) and, once the group's quantized weights are in place, take all segments through it. Each
 * linear layer is computed once.
 */
import * as tf from '@tensorflow/tfjs-core';
import { MATRIX_GROUPS, type MatrixGroup, type ModelDescription, matrixShape } from '../../shared/model.ts';
import {
  attentionInput,
  attentionMix,
  attentionOutput,
  ffnGate,
  ffnInput,
  ffnOutput,
} from './transformer/block.ts';
import type { TokenRange } from './transformer/batch-sizes.ts';
import type { BlockWeights } from './transformer/block-weights.ts';
import { HiddenStates } from './transformer/hidden-states.ts';
import type { Positions } from './transformer/positions.ts';

/** One group of matrices on the way, a segment at a time, since the backend holds one. */
export interface GroupStage {
  readonly group: MatrixGroup;
  /** Inputs of the group's matrices for one segment or some of its tokens, [tokens, columns]. */
  input(segment: number, rows?: TokenRange): tf.Tensor2D;
  /** Takes one segment through the group's matrices as they now are. Where that fails, nothing has changed. */
  advance(segment: number): void;
}

/**
 * The block's stages, to be done one after another; each `advance` prepares the inputs of the next. What is kept between
 * them is in the memory and the room of the hidden states, and given back when the generator ends.
 * @param positions with the sizes of the batches that segments are worked on in
 * @param hidden the residual stream before the block; afterwards, the one behind it
 */
export function* groupStages(
  model: ModelDescription,
  positions: Positions,
  hidden: HiddenStates,
  weights: BlockWeights,
): Generator<GroupStage, void, void> {
  const [attention, output, gateUp, down] = MATRIX_GROUPS;
  const { sizes } = positions;
  const attentionNormed = (segment: number, rows?: TokenRange): tf.Tensor2D =>
    tf.tidy(() => attentionInput(model, hidden.upload(segment, rows), weights));
  const ffnNormed = (segment: number, rows?: TokenRange): tf.Tensor2D =>
    tf.tidy(() => ffnInput(model, hidden.upload(segment, rows), weights));

  /** The group whose kept inputs go back into the residual stream. */
  const intoStream = (
    group: MatrixGroup,
    inputs: HiddenStates,
    output: typeof attentionOutput,
  ): GroupStage => ({
    group,
    input: (segment, rows) => inputs.upload(segment, rows),
    advance(segment) {
      const step = (x: tf.Tensor2D, rows: TokenRange): tf.Tensor2D =>
        output(x, inputs.upload(segment, rows), weights);
      hidden.transform(segment, step, sizes.tokens);
    },
  });

  const context = inputsOf(model, output, hidden);
  try {
    yield {
      group: attention,
      input: attentionNormed,
      advance(segment) {
        const length = hidden.length(segment);
        const position = positions.of(length);
        context.compute(segment, length, () =>
          attentionMix(model, position, attentionNormed(segment), weights),
        );
      },
    };
    yield intoStream(output, context, attentionOutput);
  } finally {
    context.dispose();
  }

  const activated = inputsOf(model, down, hidden);
  try {
    yield {
      group: gateUp,
      input: ffnNormed,
      advance(segment) {
        activated.compute(segment, sizes.tokens, (rows) => ffnGate(ffnNormed(segment, rows), weights));
      },
    };
    yield intoStream(down, activated, ffnOutput);
  } finally {
    activated.dispose();
  }
}

/** For the inputs of a group, of all segments. */
function inputsOf(model: ModelDescription, group: MatrixGroup, hidden: HiddenStates): HiddenStates {
  return new HiddenStates(matrixShape(model, group[0]).columns, hidden.lengths, hidden.memory, hidden.room);
}

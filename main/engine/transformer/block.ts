import * as tf from '@tensorflow/tfjs-core';
import type { ModelDescription } from '../../../shared/model.ts';
import { attend, headsFirst, splitHeads } from './attention.ts';
import { tokenRanges } from './batch-sizes.ts';
import type { BlockWeights } from './block-weights.ts';
import { gatedUnit } from './ffn.ts';
import { linear } from './linear.ts';
import { rmsNorm } from './norm.ts';
import type { SegmentPositions } from './positions.ts';
import { rotate } from './rotary.ts';

/*
 * A decoder block in six stages. Quantization stops between them: each stage ends where the next group's matrices take
 * their inputs, and has used only matrices of the groups before. All tensors are of one segment of T tokens; arguments
 * are left alone, and the caller disposes the result.
 */

/** Input of q, k and v: [T, hidden] -> [T, hidden]. */
export function attentionInput(
  model: ModelDescription,
  hidden: tf.Tensor2D,
  weights: BlockWeights,
): tf.Tensor2D {
  return rmsNorm(hidden, weights.norms.inputNorm, model.rmsNormEpsilon);
}

/** Input of o: [T, hidden] -> [T, heads * headDim], through q, k and v. */
export function attentionMix(
  model: ModelDescription,
  positions: SegmentPositions,
  normed: tf.Tensor2D,
  weights: BlockWeights,
): tf.Tensor2D {
  return tf.tidy(() => {
    const { queryNorm, keyNorm } = weights.norms;
    const queryOrKey = (kind: 'q' | 'k', norm: tf.Tensor1D | undefined): tf.Tensor3D => {
      const heads = splitHeads(linear(normed, weights.linear(kind)), model.headDim);
      const scaled = norm === undefined ? heads : rmsNorm(heads, norm, model.rmsNormEpsilon);
      return rotate(headsFirst(scaled), positions.cos, positions.sin);
    };
    const q = queryOrKey('q', queryNorm);
    const k = queryOrKey('k', keyNorm);
    const v = headsFirst(splitHeads(linear(normed, weights.linear('v')), model.headDim));
    return attend(q, k, v, positions.pattern);
  });
}

/** The residual stream after attention: [T, hidden], through o. */
export function attentionOutput(
  hidden: tf.Tensor2D,
  context: tf.Tensor2D,
  weights: BlockWeights,
): tf.Tensor2D {
  return tf.tidy(() => tf.add<tf.Tensor2D>(hidden, linear(context, weights.linear('o'))));
}

/** Input of gate and up: [T, hidden] -> [T, hidden]. */
export function ffnInput(model: ModelDescription, hidden: tf.Tensor2D, weights: BlockWeights): tf.Tensor2D {
  return rmsNorm(hidden, weights.norms.ffnNorm, model.rmsNormEpsilon);
}

/** Input of down: [T, hidden] -> [T, ffn], through gate and up. */
export function ffnGate(normed: tf.Tensor2D, weights: BlockWeights): tf.Tensor2D {
  return gatedUnit(normed, weights.linear('gate'), weights.linear('up'));
}

/** The residual stream after the block: [T, hidden], through down. */
export function ffnOutput(hidden: tf.Tensor2D, activated: tf.Tensor2D, weights: BlockWeights): tf.Tensor2D {
  return tf.tidy(() => tf.add<tf.Tensor2D>(hidden, linear(activated, weights.linear('down'))));
}

/** The whole block, [T, hidden] -> [T, hidden]. @param tokens of the feed-forward network at a time */
export function forwardBlock(
  model: ModelDescription,
  positions: SegmentPositions,
  hidden: tf.Tensor2D,
  weights: BlockWeights,
  tokens: number = hidden.shape[0],
): tf.Tensor2D {
  return tf.tidy(() => {
    const context = attentionMix(model, positions, attentionInput(model, hidden, weights), weights);
    const attended = attentionOutput(hidden, context, weights);
    return inBatches(attended, tokens, (batch) =>
      ffnOutput(batch, ffnGate(ffnInput(model, batch, weights), weights), weights),
    );
  });
}

/** What a step makes of each token by itself, at most `tokens` of them at a time. */
function inBatches(x: tf.Tensor2D, tokens: number, step: (batch: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
  const [length, width] = x.shape;
  if (tokens >= length) return step(x);
  const parts = tokenRanges(length, tokens).map(({ from, to }) =>
    tf.tidy(() => step(tf.slice(x, [from, 0], [to - from, width]))),
  );
  return tf.concat2d(parts, 0);
}

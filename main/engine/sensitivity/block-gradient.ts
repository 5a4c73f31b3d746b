import * as tf from '@tensorflow/tfjs-core';
import type { MatrixKind, ModelDescription } from '../../../shared/model.ts';
import { headsFirst, splitHeads } from '../transformer/attention.ts';
import { tokenRanges } from '../transformer/batch-sizes.ts';
import { attentionInput, attentionMix, attentionOutput, ffnInput } from '../transformer/block.ts';
import type { BlockWeights } from '../transformer/block-weights.ts';
import { linear } from '../transformer/linear.ts';
import { rmsNorm } from '../transformer/norm.ts';
import type { SegmentPositions } from '../transformer/positions.ts';
import { rotate } from '../transformer/rotary.ts';
import { attentionGradient } from './attention-gradient.ts';
import { rmsNormGradient } from './norm-gradient.ts';

/**
 * Receives the gradient with respect to the output of a linear layer, [tokens, rows], for the segment's tokens from `from` on;
 * it is freed afterwards.
 */
export type OnOutputGradient = (kind: MatrixKind, gradient: tf.Tensor2D, from: number) => void;

/** A block and where it stands: forwardBlock's, whose gradient is wanted. */
export interface BlockAt {
  readonly model: ModelDescription;
  readonly positions: SegmentPositions;
  readonly weights: BlockWeights;
  /** Of the feed-forward network at a time. */
  readonly tokens: number;
}

/**
 * The gradient of the loss with respect to the input of a block (transformer/block.ts), [T, hidden], from that with respect to
 * its output. What the forward pass computed is computed again from the input, so nothing of it had to be kept.
 * @param hidden the residual stream before the block, [T, hidden]
 * @param gradient with respect to the residual stream behind it, [T, hidden]
 */
export function blockGradient(
  block: BlockAt,
  hidden: tf.Tensor2D,
  gradient: tf.Tensor2D,
  onOutput: OnOutputGradient,
): tf.Tensor2D {
  const { model, positions, weights, tokens } = block;
  return tf.tidy(() => {
    const attended = tf.tidy(() => {
      const context = attentionMix(model, positions, attentionInput(model, hidden, weights), weights);
      return attentionOutput(hidden, context, weights);
    });
    const [length, width] = hidden.shape;
    const parts = tokenRanges(length, tokens).map(({ from, to }) =>
      tf.tidy(() => {
        const rows = (x: tf.Tensor2D): tf.Tensor2D => tf.slice(x, [from, 0], [to - from, width]);
        return ffnGradient(block, rows(attended), rows(gradient), (kind, part) => onOutput(kind, part, from));
      }),
    );
    const behindAttention = tf.concat2d(parts, 0);
    tf.dispose([attended, ...parts]);
    return attentionHalfGradient(block, hidden, behindAttention, onOutput);
  });
}

/**
 * Through the feed-forward network. Its loss reaches gate's output through silu(g) = g sigmoid(g), whose derivative is
 * sigmoid(g) (1 + g (1 - sigmoid(g))).
 * @param attended the residual stream before it, and `gradient` that with respect to the stream behind it
 * @returns the gradient with respect to `attended`
 */
function ffnGradient(
  { model, weights }: BlockAt,
  attended: tf.Tensor2D,
  gradient: tf.Tensor2D,
  onOutput: OnOutputGradient,
): tf.Tensor2D {
  onOutput('down', gradient, 0);
  const { gate, up } = tf.tidy(() => {
    const normed = ffnInput(model, attended, weights);
    const gated = linear(normed, weights.linear('gate'));
    const sigmoid = tf.sigmoid(gated);
    const silu = tf.mul(gated, sigmoid);
    const slope = tf.add(sigmoid, tf.mul(silu, tf.sub(1, sigmoid)));
    const ofActivated = throughLinear(gradient, weights, 'down');
    return {
      gate: tf.mul<tf.Tensor2D>(tf.mul(ofActivated, linear(normed, weights.linear('up'))), slope),
      up: tf.mul<tf.Tensor2D>(ofActivated, silu),
    };
  });
  onOutput('gate', gate, 0);
  onOutput('up', up, 0);
  const ofNormed = tf.add<tf.Tensor2D>(
    throughLinear(gate, weights, 'gate'),
    throughLinear(up, weights, 'up'),
  );
  return tf.add(gradient, rmsNormGradient(attended, weights.norms.ffnNorm, model.rmsNormEpsilon, ofNormed));
}

/**
 * Through attention and its projections.
 * @param hidden the residual stream before the block, and `gradient` that with respect to the stream behind attention
 * @returns the gradient with respect to `hidden`
 */
function attentionHalfGradient(
  { model, positions, weights }: BlockAt,
  hidden: tf.Tensor2D,
  gradient: tf.Tensor2D,
  onOutput: OnOutputGradient,
): tf.Tensor2D {
  onOutput('o', gradient, 0);
  const { inputNorm, queryNorm, keyNorm } = weights.norms;
  const { cos, sin, pattern } = positions;
  const outputs = tf.tidy(() => {
    const normed = attentionInput(model, hidden, weights);
    const byHead = (kind: MatrixKind): tf.Tensor3D =>
      headsFirst(splitHeads(linear(normed, weights.linear(kind)), model.headDim));
    const rotated = (x: tf.Tensor3D, norm: tf.Tensor1D | undefined): tf.Tensor3D =>
      rotate(norm === undefined ? x : rmsNorm(x, norm, model.rmsNormEpsilon), cos, sin);
    /** The transpose of a rotation turns back. */
    const rotatedBack = (x: tf.Tensor3D, of: tf.Tensor3D, norm: tf.Tensor1D | undefined): tf.Tensor2D => {
      const turned = rotate(of, cos, tf.neg(sin));
      return tokensFirst(
        norm === undefined ? turned : rmsNormGradient(x, norm, model.rmsNormEpsilon, turned),
      );
    };
    const queries = byHead('q');
    const keys = byHead('k');
    const taken = {
      queries: rotated(queries, queryNorm),
      keys: rotated(keys, keyNorm),
      values: byHead('v'),
    };
    const of = attentionGradient(taken, pattern, throughLinear(gradient, weights, 'o'));
    return {
      q: rotatedBack(queries, of.queries, queryNorm),
      k: rotatedBack(keys, of.keys, keyNorm),
      v: tokensFirst(of.values),
    };
  });
  const { q, k, v } = outputs;
  onOutput('q', q, 0);
  onOutput('k', k, 0);
  onOutput('v', v, 0);
  const ofNormed = tf.addN<tf.Tensor2D>([
    throughLinear(q, weights, 'q'),
    throughLinear(k, weights, 'k'),
    throughLinear(v, weights, 'v'),
  ]);
  return tf.add(gradient, rmsNormGradient(hidden, inputNorm, model.rmsNormEpsilon, ofNormed));
}

/** From a linear layer's output to its input: [T, out features] -> [T, in features]. In float32, whatever the forward pass takes. */
function throughLinear(gradient: tf.Tensor2D, weights: BlockWeights, kind: MatrixKind): tf.Tensor2D {
  return tf.matMul(gradient, weights.linear(kind).weight);
}

/** [heads, T, headDim] -> [T, heads * headDim]: headsFirst and splitHeads undone. */
function tokensFirst(x: tf.Tensor3D): tf.Tensor2D {
  const [heads, length, headDim] = x.shape;
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [length, heads * headDim]);
}

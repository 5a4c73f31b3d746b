import * as tf from '@tensorflow/tfjs-core';
import type { ModelDescription } from '../../../shared/model.ts';
import { kernelAttention } from '../tensors/kernel-attention.ts';
import { attend, headsFirst, splitHeads } from './attention.ts';
import { tokenRanges } from './batch-sizes.ts';
import type { BlockNorms, BlockWeights } from './block-weights.ts';
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

/** A block of which the norms are there. */
interface HasNorms {
  readonly norms: BlockNorms;
}

/** Input of q, k and v: [T, hidden] -> [T, hidden]. */
export function attentionInput(
  model: ModelDescription,
  hidden: tf.Tensor2D,
  { norms }: HasNorms,
): tf.Tensor2D {
  return rmsNorm(hidden, norms.inputNorm, model.rmsNormEpsilon);
}

/** Input of o: [T, hidden] -> [T, heads * headDim], through q, k and v. */
export function attentionMix(
  model: ModelDescription,
  positions: SegmentPositions,
  normed: tf.Tensor2D,
  weights: BlockWeights,
): tf.Tensor2D {
  return tf.tidy(() => {
    const queries = linear(normed, weights.linear('q'));
    const keys = linear(normed, weights.linear('k'));
    const values = linear(normed, weights.linear('v'));
    return mixHeads(model, positions, { queries, keys, values }, weights);
  });
}

/** What q, k and v make of a segment, [T, heads * headDim] or [T, kvHeads * headDim]. */
export interface Projections {
  readonly queries: tf.Tensor2D;
  readonly keys: tf.Tensor2D;
  readonly values: tf.Tensor2D;
}

/** Attention over a segment's projections, as they come from q, k and v: [T, heads * headDim]. */
export function mixHeads(
  model: ModelDescription,
  { cos, sin, pattern }: SegmentPositions,
  { queries: unnormed, keys: unnormedKeys, values }: Projections,
  { norms }: HasNorms,
): tf.Tensor2D {
  return tf.tidy(() => {
    const queries = normedHeads(model, unnormed, norms.queryNorm);
    const keys = normedHeads(model, unnormedKeys, norms.keyNorm);
    const { heads, kvHeads, headDim } = model;
    const { window } = pattern;
    const [tokens] = queries.shape;
    const shape = { tokens, heads, kvHeads, headDim, window };
    const mixed = kernelAttention({ ...shape, queries, keys, values, cos, sin });
    if (mixed !== undefined) return mixed;
    const byHead = (x: tf.Tensor2D): tf.Tensor3D => headsFirst(splitHeads(x, headDim));
    const rotated = (x: tf.Tensor2D): tf.Tensor3D => rotate(byHead(x), cos, sin);
    return attend(rotated(queries), rotated(keys), byHead(values), pattern);
  });
}

/** Queries or keys, [T, heads * headDim], each head normed where the family does that. */
function normedHeads(model: ModelDescription, x: tf.Tensor2D, norm: tf.Tensor1D | undefined): tf.Tensor2D {
  if (norm === undefined) return x;
  return tf.reshape(rmsNorm(splitHeads(x, model.headDim), norm, model.rmsNormEpsilon), x.shape);
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
export function ffnInput(model: ModelDescription, hidden: tf.Tensor2D, { norms }: HasNorms): tf.Tensor2D {
  return rmsNorm(hidden, norms.ffnNorm, model.rmsNormEpsilon);
}

/** Input of down: [T, hidden] -> [T, ffn], through gate and up. */
export function ffnGate(normed: tf.Tensor2D, weights: BlockWeights): tf.Tensor2D {
  return tf.tidy(() =>
    gatedUnit(linear(normed, weights.linear('gate')), linear(normed, weights.linear('up'))),
  );
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

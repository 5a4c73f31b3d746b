/**
 * A decoder block whose matrices come a few rows at a time: of the weights no more than those are ever in memory. For few
 * tokens, which go through each matrix together; forwardBlock (block.ts) is the one for many.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type MatrixKind, hasBias, matrixName } from '../../../shared/model.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { type Projections, attentionInput, ffnInput, mixHeads } from './block.ts';
import { type BlockNorms, loadNorms, loadVector, normTensors } from './block-weights.ts';
import { gatedUnit } from './ffn.ts';
import type { SegmentPositions } from './positions.ts';
import { type MatrixRows, streamedLinear } from './streamed-linear.ts';

/** The rows of a matrix (`model.layers.0.self_attn.q_proj.weight`) in their order. */
export type StreamedMatrix = (name: string) => AsyncIterable<MatrixRows>;

export interface StreamedBlock {
  /** Where norms and biases are read. */
  readonly checkpoint: Checkpoint;
  readonly block: number;
  readonly matrix: StreamedMatrix;
  /** Of a window. */
  readonly positions: SegmentPositions;
  /** Tokens of a window. */
  readonly length: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The whole block, [windows * length, hidden] -> the same. `hidden` is left alone, the caller disposes the result.
 * @throws what reading throws; ClaqError run/cancelled, engine/out-of-memory
 */
export async function streamBlock(at: StreamedBlock, hidden: tf.Tensor2D): Promise<tf.Tensor2D> {
  const norms = await loadNorms(at.checkpoint, at.block);
  try {
    const attended = await attentionHalf(at, norms, hidden);
    try {
      return await ffnHalf(at, norms, attended);
    } finally {
      attended.dispose();
    }
  } finally {
    tf.dispose(normTensors(norms));
  }
}

async function attentionHalf(
  at: StreamedBlock,
  norms: BlockNorms,
  hidden: tf.Tensor2D,
): Promise<tf.Tensor2D> {
  const { model } = at.checkpoint;
  return await holding(async (hold) => {
    const normed = hold(attentionInput(model, hidden, { norms }));
    const projections: Projections = {
      queries: hold(await product(at, 'q', normed)),
      keys: hold(await product(at, 'k', normed)),
      values: hold(await product(at, 'v', normed)),
    };
    const mixed = hold(mixWindows(at, norms, projections));
    return tf.add<tf.Tensor2D>(hidden, hold(await product(at, 'o', mixed)));
  });
}

async function ffnHalf(at: StreamedBlock, norms: BlockNorms, attended: tf.Tensor2D): Promise<tf.Tensor2D> {
  return await holding(async (hold) => {
    const normed = hold(ffnInput(at.checkpoint.model, attended, { norms }));
    const gated = hold(await product(at, 'gate', normed));
    const raised = hold(await product(at, 'up', normed));
    const activated = hold(gatedUnit(gated, raised));
    return tf.add<tf.Tensor2D>(attended, hold(await product(at, 'down', activated)));
  });
}

/** Tokens see those of their own window. */
function mixWindows(
  { checkpoint, positions, length }: StreamedBlock,
  norms: BlockNorms,
  { queries, keys, values }: Projections,
): tf.Tensor2D {
  return tf.tidy(() => {
    const windows: tf.Tensor2D[] = [];
    for (let from = 0; from < queries.shape[0]; from += length) {
      const own = (x: tf.Tensor2D): tf.Tensor2D => tf.slice(x, [from, 0], [length, x.shape[1]]);
      const projections = { queries: own(queries), keys: own(keys), values: own(values) };
      windows.push(mixHeads(checkpoint.model, positions, projections, { norms }));
    }
    return tf.concat2d(windows, 0);
  });
}

async function product(
  { checkpoint, block, matrix, signal }: StreamedBlock,
  kind: MatrixKind,
  x: tf.Tensor2D,
): Promise<tf.Tensor2D> {
  const name = matrixName(block, kind);
  const bias = hasBias(checkpoint.model, kind) ? await loadVector(checkpoint, `${name}.bias`) : undefined;
  try {
    return await streamedLinear(x, matrix(`${name}.weight`), bias, signal);
  } finally {
    bias?.dispose();
  }
}

/** tf.tidy for work that waits: what is held is disposed when it ends. */
async function holding<T>(
  work: (hold: <Held extends tf.Tensor>(tensor: Held) => Held) => Promise<T>,
): Promise<T> {
  const held: tf.Tensor[] = [];
  try {
    return await work((tensor) => {
      held.push(tensor);
      return tensor;
    });
  } finally {
    tf.dispose(held);
  }
}

import * as tf from '@tensorflow/tfjs-core';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { chunkLogits, headChunkRows, headChunks, loadFinalNorm } from './head.ts';
import type { HiddenStates } from './hidden-states.ts';
import { forEachSegment } from './segment-loop.ts';

export interface TokenLossOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each segment of each chunk with the part of the work that is done, 0 to 1. */
  readonly onPart?: (done: number) => void;
  /** Rows of the head held at a time; by default as many as fit into 32 MiB. */
  readonly chunkRows?: number;
}

/**
 * Negative log-likelihood (natural log) of each segment's tokens 1 .. T - 1 given those before: T - 1 values a segment.
 * `hidden` is what left the last block. The logits of the whole vocabulary never exist at once: each chunk of the head
 * adds to a running log-sum-exp of every token, kept in float64.
 */
export async function tokenLosses(
  checkpoint: Checkpoint,
  hidden: HiddenStates,
  segments: readonly Int32Array[],
  options: TokenLossOptions = {},
): Promise<Float64Array[]> {
  const { vocabSize, hiddenSize } = checkpoint.model;
  const longest = segments.reduce((most, ids) => Math.max(most, ids.length), 1);
  const chunkRows = options.chunkRows ?? headChunkRows(hiddenSize, longest);
  const losses = segments.map((ids) => new RunningLosses(ids.subarray(1)));
  const finalNorm = await loadFinalNorm(checkpoint);
  try {
    for await (const chunk of headChunks(checkpoint, chunkRows)) {
      await forEachSegment(segments.length, options.signal, (segment) => {
        const running = losses[segment];
        if (running === undefined || running.targets.length === 0) return;
        tf.tidy(() => {
          const states = hidden.upload(segment);
          // Nothing follows the last token.
          const predicting = tf.slice(states, [0, 0], [running.targets.length, hiddenSize]);
          running.add(chunkLogits(checkpoint, predicting, finalNorm, chunk), chunk.from);
        });
        options.onPart?.(
          (chunk.from + ((chunk.to - chunk.from) * (segment + 1)) / segments.length) / vocabSize,
        );
      });
    }
  } finally {
    finalNorm.dispose();
  }
  return losses.map((running) => running.result());
}

/** log(sum exp(logits)) - logit of the target, a token at a time, over a vocabulary that arrives in chunks. */
class RunningLosses {
  readonly targets: Int32Array;
  readonly #max: Float64Array;
  /** Sum of exp(logit - max). */
  readonly #sum: Float64Array;
  readonly #targetLogit: Float64Array;

  constructor(targets: Int32Array) {
    this.targets = targets;
    this.#max = new Float64Array(targets.length).fill(-Infinity);
    this.#sum = new Float64Array(targets.length);
    this.#targetLogit = new Float64Array(targets.length);
  }

  /** `logits` [targets, chunk] of the vocabulary's ids from `firstId` on. Call inside tf.tidy. */
  add(logits: tf.Tensor2D, firstId: number): void {
    const chunkMax = tf.max(logits, 1, true);
    const maxima = chunkMax.dataSync<'float32'>();
    const sums = tf.sum(tf.exp(tf.sub(logits, chunkMax)), 1).dataSync<'float32'>();
    maxima.forEach((maximum, token) => {
      const known = this.#max[token] ?? -Infinity;
      const max = Math.max(known, maximum);
      this.#sum[token] =
        (this.#sum[token] ?? 0) * Math.exp(known - max) + (sums[token] ?? 0) * Math.exp(maximum - max);
      this.#max[token] = max;
    });
    this.#takeTargets(logits, firstId);
  }

  #takeTargets(logits: tf.Tensor2D, firstId: number): void {
    const tokens: number[] = [];
    const places: [number, number][] = [];
    this.targets.forEach((id, token) => {
      if (id < firstId || id >= firstId + logits.shape[1]) return;
      tokens.push(token);
      places.push([token, id - firstId]);
    });
    if (tokens.length === 0) return;
    const found = tf.gatherND(logits, tf.tensor2d(places, [places.length, 2], 'int32')).dataSync<'float32'>();
    tokens.forEach((token, at) => {
      this.#targetLogit[token] = found[at] ?? Number.NaN;
    });
  }

  result(): Float64Array {
    return this.#max.map(
      (max, token) =>
        max + Math.log(this.#sum[token] ?? Number.NaN) - (this.#targetLogit[token] ?? Number.NaN),
    );
  }
}

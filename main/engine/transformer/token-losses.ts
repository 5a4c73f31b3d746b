import * as tf from '@tensorflow/tfjs-core';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { BatchSizes, tokenRanges } from './batch-sizes.ts';
import { chunkLogits, headChunkRows, headChunks, loadFinalNorm } from './head.ts';
import type { HiddenStates } from './hidden-states.ts';
import { forEachSegment } from './segment-loop.ts';

export interface TokenLossOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each segment of each chunk with the part of the work that is done, 0 to 1. */
  readonly onPart?: (done: number) => void;
  /** Rows of the head held at a time; by default as many as fit into 32 MiB. */
  readonly chunkRows?: number;
  /** Tokens at a time; by default all of a segment, and fewer where memory runs out. */
  readonly sizes?: BatchSizes | undefined;
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
  const sizes = options.sizes ?? new BatchSizes(longest);
  const chunkRows = options.chunkRows ?? headChunkRows(hiddenSize, longest);
  const losses = segments.map((ids) => new RunningLosses(ids.subarray(1)));
  const finalNorm = await loadFinalNorm(checkpoint);
  try {
    for await (const chunk of headChunks(checkpoint, chunkRows)) {
      const addSegment = (segment: number): void => {
        const running = losses[segment];
        if (running === undefined || running.targets.length === 0) return;
        const { targets } = running;
        const scores: ChunkScores[] = [];
        // Nothing follows the last token.
        for (const rows of tokenRanges(targets.length, sizes.tokens)) {
          tf.tidy(() => {
            const logits = chunkLogits(checkpoint, hidden.upload(segment, rows), finalNorm, chunk);
            scores.push(chunkScores(logits, targets, rows.from, chunk.from));
          });
        }
        for (const each of scores) running.add(each);
        options.onPart?.(
          (chunk.from + ((chunk.to - chunk.from) * (segment + 1)) / segments.length) / vocabSize,
        );
      };
      await forEachSegment(segments.length, options.signal, addSegment, sizes);
    }
  } finally {
    finalNorm.dispose();
  }
  return losses.map((running) => running.result());
}

/** What a chunk of the vocabulary says of some tokens. */
interface ChunkScores {
  /** The first of the tokens. */
  readonly from: number;
  /** Largest logit of each token, and sum of exp(logit - largest). */
  readonly maxima: Float32Array;
  readonly sums: Float32Array;
  /** The target's logit of each token whose target is in the chunk. */
  readonly found: readonly { readonly token: number; readonly logit: number }[];
}

/**
 * Call inside tf.tidy.
 * @param logits [tokens, chunk] of tokens from `from` on, and of the vocabulary's ids from `firstId` on
 * @param targets of all tokens
 */
function chunkScores(logits: tf.Tensor2D, targets: Int32Array, from: number, firstId: number): ChunkScores {
  const [tokens, width] = logits.shape;
  const chunkMax = tf.max(logits, 1, true);
  const maxima = chunkMax.dataSync<'float32'>();
  const sums = tf.sum(tf.exp(tf.sub(logits, chunkMax)), 1).dataSync<'float32'>();
  const places: [token: number, id: number][] = [];
  targets.subarray(from, from + tokens).forEach((id, token) => {
    if (id >= firstId && id < firstId + width) places.push([token, id - firstId]);
  });
  if (places.length === 0) return { from, maxima, sums, found: [] };
  const values = tf.gatherND(logits, tf.tensor2d(places, [places.length, 2], 'int32')).dataSync<'float32'>();
  const found = places.map(([token], at) => ({ token: from + token, logit: values[at] ?? Number.NaN }));
  return { from, maxima, sums, found };
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

  add({ from, maxima, sums, found }: ChunkScores): void {
    maxima.forEach((maximum, at) => {
      const token = from + at;
      const known = this.#max[token] ?? -Infinity;
      const max = Math.max(known, maximum);
      this.#sum[token] =
        (this.#sum[token] ?? 0) * Math.exp(known - max) + (sums[at] ?? 0) * Math.exp(maximum - max);
      this.#max[token] = max;
    });
    for (const { token, logit } of found) this.#targetLogit[token] = logit;
  }

  result(): Float64Array {
    return this.#max.map(
      (max, token) =>
        max + Math.log(this.#sum[token] ?? Number.NaN) - (this.#targetLogit[token] ?? Number.NaN),
    );
  }
}

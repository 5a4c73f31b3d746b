import * as tf from '@tensorflow/tfjs-core';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { overflowRemedy } from '../tensors/forward-product.ts';
import type { BatchSizes, TokenRange } from '../transformer/batch-sizes.ts';
import {
  type HeadChunk,
  chunkLogits,
  headChunkRows,
  headChunks,
  loadFinalNorm,
} from '../transformer/head.ts';
import { HiddenStates } from '../transformer/hidden-states.ts';
import { forEachSegment } from '../transformer/segment-loop.ts';
import { rmsNormGradient } from './norm-gradient.ts';

export interface HeadGradientOptions {
  readonly sizes: BatchSizes;
  readonly signal?: AbortSignal | undefined;
  /** Called after each segment of each chunk with the part of the work that is done, 0 to 1. */
  readonly onPart?: (done: number) => void;
  /** Rows of the head held at a time; by default as many as fit into 32 MiB. */
  readonly chunkRows?: number | undefined;
}

/**
 * Puts in the place of `hidden`, the residual stream behind the last block, the gradient with respect to it of the summed
 * negative log-likelihood of each segment's tokens 1 .. T - 1, T >= 2. With logits l = W n of the normed stream n it is, at a
 * token whose next is y, dL/dn = sum_v softmax(l)_v W_v - W_y, and 0 at the last, which nothing follows. The logits of the
 * whole vocabulary never exist at once: each chunk of the head adds to a running softmax (Milakov and Gimelshein, Online
 * normalizer calculation for softmax, 2018). Throws ClaqError run/cancelled, engine/kernel-failed.
 */
export async function headGradient(
  checkpoint: Checkpoint,
  hidden: HiddenStates,
  segments: readonly Int32Array[],
  { sizes, signal, onPart, chunkRows }: HeadGradientOptions,
): Promise<void> {
  const { vocabSize, hiddenSize, rmsNormEpsilon } = checkpoint.model;
  const longest = segments.reduce((most, { length }) => Math.max(most, length), 1);
  const rowsAtOnce = chunkRows ?? headChunkRows(hiddenSize, longest);
  const finalNorm = await loadFinalNorm(checkpoint);
  const predictions = new Predictions(hidden, segments);
  try {
    predictions.begin();
    for await (const chunk of headChunks(checkpoint, rowsAtOnce)) {
      const addSegment = (segment: number): void => {
        const logits = (rows: TokenRange): tf.Tensor2D =>
          chunkLogits(checkpoint, hidden.upload(segment, rows), finalNorm, chunk);
        predictions.add(segment, chunk, logits, sizes.tokens);
        onPart?.((chunk.from + ((chunk.to - chunk.from) * (segment + 1)) / segments.length) / vocabSize);
      };
      await forEachSegment(segments.length, signal, addSegment, sizes);
    }
    const replaceSegment = (segment: number): void => {
      const rows = { from: 0, to: hidden.length(segment) - 1 };
      hidden.compute(segment, hidden.length(segment), () => {
        const ofNormed = predictions.gradient(segment);
        const stream = hidden.upload(segment, rows);
        const gradient = rmsNormGradient(stream, finalNorm, rmsNormEpsilon, ofNormed);
        requireFinite(gradient, segment);
        return tf.pad2d(gradient, [
          [0, 1],
          [0, 0],
        ]);
      });
    };
    await forEachSegment(segments.length, signal, replaceSegment, sizes);
  } finally {
    finalNorm.dispose();
    predictions.dispose();
  }
}

/** What the model expects after each token but the last of all segments, over a vocabulary that arrives in chunks. */
class Predictions {
  /** Sum over the vocabulary so far of exp(logit - largest) times the head's row, [T - 1, hidden]. */
  readonly #mixed: HiddenStates;
  /** The head's row of the token that follows, [T - 1, hidden]. */
  readonly #targetRows: HiddenStates;
  readonly #running: RunningSoftmax[];
  readonly #targets: readonly Int32Array[];

  constructor({ width, memory }: HiddenStates, segments: readonly Int32Array[]) {
    this.#targets = segments.map((ids) => ids.subarray(1));
    const lengths = this.#targets.map(({ length }) => length);
    this.#mixed = new HiddenStates(width, lengths, memory);
    this.#targetRows = new HiddenStates(width, lengths, memory);
    this.#running = lengths.map((length) => ({
      largest: new Float32Array(length).fill(-Infinity),
      sum: new Float32Array(length),
    }));
  }

  /** To be called once, before the first chunk. */
  begin(): void {
    // What is not written of a segment is 0.
    const zeros = new Float32Array(this.#mixed.width);
    for (let segment = 0; segment < this.#mixed.segments; segment++) this.#mixed.setToken(segment, 0, zeros);
  }

  /**
   * Changes nothing of the segment where it fails.
   * @param logits of some of the segment's tokens over the chunk, [tokens, chunk]; in tf.tidy
   * @param tokens at a time
   */
  add(segment: number, chunk: HeadChunk, logits: (rows: TokenRange) => tf.Tensor2D, tokens: number): void {
    const before = this.#running[segment];
    const targets = this.#targets[segment];
    if (before === undefined || targets === undefined) throw new RangeError(`no segment ${segment}`);
    const after: RunningSoftmax = { largest: before.largest.slice(), sum: before.sum.slice() };
    const step = (mixed: tf.Tensor2D, rows: TokenRange): tf.Tensor2D => {
      const known = (values: Float32Array): tf.Tensor2D =>
        tf.tensor2d(values.subarray(rows.from, rows.to), [rows.to - rows.from, 1]);
      const scores = logits(rows);
      const largest = tf.maximum(known(before.largest), tf.max(scores, 1, true));
      const fading = tf.exp(tf.sub(known(before.largest), largest));
      const shares = tf.exp<tf.Tensor2D>(tf.sub(scores, largest));
      const sum = tf.add(tf.mul(known(before.sum), fading), tf.sum(shares, 1, true));
      after.largest.set(largest.dataSync<'float32'>(), rows.from);
      after.sum.set(sum.dataSync<'float32'>(), rows.from);
      return tf.add(tf.mul(mixed, fading), tf.matMul(shares, chunk.rows));
    };
    this.#keepTargetRows(segment, targets, chunk);
    this.#mixed.transform(segment, step, tokens);
    this.#running[segment] = after;
  }

  /** dL/dn of a segment's tokens but the last, [T - 1, hidden]. Call inside tf.tidy. */
  gradient(segment: number): tf.Tensor2D {
    const { sum } = this.#running[segment] ?? { sum: new Float32Array() };
    const expected = tf.div(this.#mixed.upload(segment), tf.tensor2d(sum, [sum.length, 1]));
    return tf.sub(expected, this.#targetRows.upload(segment));
  }

  dispose(): void {
    this.#mixed.dispose();
    this.#targetRows.dispose();
  }

  #keepTargetRows(segment: number, targets: Int32Array, { from, to, rows }: HeadChunk): void {
    const tokens = [...targets.keys()].filter((token) => {
      const id = targets[token] ?? -1;
      return id >= from && id < to;
    });
    if (tokens.length === 0) return;
    const ids = tokens.map((token) => (targets[token] ?? 0) - from);
    const gathered = tf.tidy(() => tf.gather(rows, tf.tensor1d(ids, 'int32')));
    const values = gathered.dataSync<'float32'>();
    gathered.dispose();
    const { width } = this.#targetRows;
    tokens.forEach((token, at) => {
      this.#targetRows.setToken(segment, token, values.subarray(at * width, (at + 1) * width));
    });
  }
}

/** Of each token: the largest logit so far, and the sum of exp(logit - largest). */
interface RunningSoftmax {
  readonly largest: Float32Array;
  readonly sum: Float32Array;
}

function requireFinite(gradient: tf.Tensor2D, segment: number): void {
  if (tf.all(tf.isFinite(gradient)).dataSync()[0] === 1) return;
  throw new ClaqError('engine/kernel-failed', 'The forward pass gave a value that is not a finite number', {
    where: `segment ${segment}`,
    expected: 'a finite gradient of the loss',
    remedy: overflowRemedy(),
  });
}

import * as tf from '@tensorflow/tfjs-core';

/** Added to the score of a key that a query may not see; its softmax is exactly 0, and unlike -Infinity it never makes a NaN. */
const HIDDEN_SCORE = -1e30;

/**
 * Which keys the queries of a segment see: those up to themselves and, with a sliding window, only the last `window` of
 * them, themselves included. What is visible depends on the distance of query and key alone, so one mask serves all
 * chunks of a segment, each through a slice of its own.
 */
export class AttentionPattern {
  readonly length: number;
  readonly window: number;
  readonly chunk: number;
  /** [chunk, reach + chunk]: column c of row r is the key at distance r + reach - c before the query. */
  readonly #mask: tf.Tensor2D;
  readonly #reach: number;

  /**
   * Its tensor outlives any tf.tidy.
   * @param window undefined: a query sees every key before it
   * @param chunk queries at a time
   */
  constructor(length: number, window: number | undefined, chunk: number) {
    this.length = length;
    this.window = window ?? length;
    this.chunk = Math.min(chunk, length);
    this.#reach = Math.min(length, this.window) - 1;
    const columns = this.#reach + this.chunk;
    const mask = new Float32Array(this.chunk * columns).fill(HIDDEN_SCORE);
    for (let row = 0; row < this.chunk; row++) {
      const own = row + this.#reach;
      mask.fill(0, row * columns + Math.max(0, own - this.window + 1), row * columns + own + 1);
    }
    this.#mask = tf.keep(tf.tensor2d(mask, [this.chunk, columns]));
  }

  /** The first key that any query from `start` on sees. */
  firstKey(start: number): number {
    return Math.max(0, start - this.window + 1);
  }

  /** What to add to the scores of queries [start, end) over keys [firstKey(start), end). */
  mask(start: number, end: number): tf.Tensor2D {
    const firstKey = this.firstKey(start);
    return tf.slice(this.#mask, [0, firstKey - start + this.#reach], [end - start, end - firstKey]);
  }

  dispose(): void {
    this.#mask.dispose();
  }
}

/**
 * Causal softmax(q k^T / sqrt(headDim)) v. `q` [heads, T, headDim], `k` and `v` [kvHeads, T, headDim], in that order of
 * heads: query heads g * groups .. (g + 1) * groups - 1 share key-value head g, so their queries are stacked against it
 * and keys and values are never repeated. Returns [T, heads * headDim].
 */
export function attend(
  q: tf.Tensor3D,
  k: tf.Tensor3D,
  v: tf.Tensor3D,
  pattern: AttentionPattern,
): tf.Tensor2D {
  return tf.tidy(() => {
    const [heads, length, headDim] = q.shape;
    const kvHeads = k.shape[0];
    const scaled = tf.mul<tf.Tensor3D>(q, 1 / Math.sqrt(headDim));
    const chunks: tf.Tensor2D[] = [];
    for (let start = 0; start < length; start += pattern.chunk) {
      const end = Math.min(start + pattern.chunk, length);
      chunks.push(
        tf.tidy(() => {
          const rows = end - start;
          const firstKey = pattern.firstKey(start);
          const keys = end - firstKey;
          const stacked: [number, number, number] = [kvHeads, (heads / kvHeads) * rows, headDim];
          const queries = tf.reshape<tf.Rank.R3>(
            tf.slice(scaled, [0, start, 0], [heads, rows, headDim]),
            stacked,
          );
          const chunkKeys = tf.slice(k, [0, firstKey, 0], [kvHeads, keys, headDim]);
          const chunkValues = tf.slice(v, [0, firstKey, 0], [kvHeads, keys, headDim]);
          const scores = tf.reshape(tf.matMul(queries, chunkKeys, false, true), [heads, rows, keys]);
          const shares = tf.softmax(tf.add(scores, pattern.mask(start, end)));
          const mixed = tf.matMul(tf.reshape(shares, [kvHeads, (heads / kvHeads) * rows, keys]), chunkValues);
          const byToken = tf.transpose(tf.reshape(mixed, [heads, rows, headDim]), [1, 0, 2]);
          return tf.reshape<tf.Rank.R2>(byToken, [rows, heads * headDim]);
        }),
      );
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : tf.concat2d(chunks, 0);
  });
}

/** [T, heads * headDim] -> [T, heads, headDim]. */
export function splitHeads(x: tf.Tensor2D, headDim: number): tf.Tensor3D {
  return tf.reshape(x, [x.shape[0], x.shape[1] / headDim, headDim]);
}

/** [T, heads, headDim] -> [heads, T, headDim]. */
export function headsFirst(x: tf.Tensor3D): tf.Tensor3D {
  return tf.transpose(x, [1, 0, 2]);
}

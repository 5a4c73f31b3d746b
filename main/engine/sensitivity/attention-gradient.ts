import * as tf from '@tensorflow/tfjs-core';
import { type AttentionPattern, headsFirst, splitHeads } from '../transformer/attention.ts';

/** What attention takes, as in `attend`: queries [heads, T, headDim], keys and values [kvHeads, T, headDim]. */
export interface AttentionTensors {
  readonly queries: tf.Tensor3D;
  readonly keys: tf.Tensor3D;
  readonly values: tf.Tensor3D;
}

/**
 * The gradients of `attend` (transformer/attention.ts) with respect to what it takes. The scores of a chunk of queries are
 * computed again and exist one chunk at a time. With shares P = softmax(S), S = Q K^T / sqrt(headDim), and context C = P V:
 *
 *   dV = P^T dC,  dP = dC V^T,  dS = P * (dP - rowsum(P * dP)),  dQ = dS K / sqrt(headDim),  dK = dS^T Q / sqrt(headDim)
 *
 * (Dao et al., FlashAttention, 2022, appendix B.2). Query heads that share a key-value head are stacked against it, so the
 * products that give dK and dV sum over them.
 * @param gradient with respect to the context, [T, heads * headDim]
 */
export function attentionGradient(
  attention: AttentionTensors,
  pattern: AttentionPattern,
  gradient: tf.Tensor2D,
): AttentionTensors {
  return tf.tidy(() => {
    const { queries, keys, values } = attention;
    const [, length, headDim] = queries.shape;
    const byHead = headsFirst(splitHeads(gradient, headDim));
    const ofQueries: tf.Tensor3D[] = [];
    let ofKeys: tf.Tensor3D = tf.zerosLike(keys);
    let ofValues: tf.Tensor3D = tf.zerosLike(values);
    for (let start = 0; start < length; start += pattern.chunk) {
      const end = Math.min(start + pattern.chunk, length);
      const before = [ofKeys, ofValues];
      const chunk = tf.tidy(() => {
        const part = chunkGradient(attention, pattern, byHead, [start, end]);
        const keysAround: [number, number][] = [
          [0, 0],
          [pattern.firstKey(start), length - end],
          [0, 0],
        ];
        return {
          queries: part.queries,
          keys: tf.add<tf.Tensor3D>(ofKeys, tf.pad(part.keys, keysAround)),
          values: tf.add<tf.Tensor3D>(ofValues, tf.pad(part.values, keysAround)),
        };
      });
      tf.dispose(before);
      ofQueries.push(chunk.queries);
      ofKeys = chunk.keys;
      ofValues = chunk.values;
    }
    return { queries: tf.concat(ofQueries, 1), keys: ofKeys, values: ofValues };
  });
}

/**
 * What queries [start, end) add: to the gradients of themselves, [heads, end - start, headDim], and of the keys that they
 * see and those keys' values, [kvHeads, keys, headDim]. Call inside tf.tidy.
 */
function chunkGradient(
  { queries, keys, values }: AttentionTensors,
  pattern: AttentionPattern,
  gradient: tf.Tensor3D,
  [start, end]: readonly [start: number, end: number],
): AttentionTensors {
  const [heads, , headDim] = queries.shape;
  const [kvHeads] = keys.shape;
  const rows = end - start;
  const firstKey = pattern.firstKey(start);
  const width = end - firstKey;
  const stackedRows = (heads / kvHeads) * rows;
  const stacked = (x: tf.Tensor3D): tf.Tensor3D =>
    tf.reshape(tf.slice(x, [0, start, 0], [heads, rows, headDim]), [kvHeads, stackedRows, headDim]);
  const seen = (x: tf.Tensor3D): tf.Tensor3D => tf.slice(x, [0, firstKey, 0], [kvHeads, width, headDim]);

  const scale = 1 / Math.sqrt(headDim);
  const chunkQueries = tf.mul<tf.Tensor3D>(stacked(queries), scale);
  const chunkGradients = stacked(gradient);
  const chunkKeys = seen(keys);
  const scores = tf.reshape(tf.matMul(chunkQueries, chunkKeys, false, true), [heads, rows, width]);
  const shares = tf.reshape<tf.Rank.R3>(tf.softmax(tf.add(scores, pattern.mask(start, end))), [
    kvHeads,
    stackedRows,
    width,
  ]);
  const ofShares = tf.matMul(chunkGradients, seen(values), false, true);
  const mean = tf.sum(tf.mul(shares, ofShares), -1, true);
  const ofScores = tf.mul<tf.Tensor3D>(shares, tf.sub(ofShares, mean));
  const ofQueries = tf.mul(tf.matMul(ofScores, chunkKeys), scale);
  return {
    queries: tf.reshape(ofQueries, [heads, rows, headDim]),
    keys: tf.matMul<tf.Tensor3D>(ofScores, chunkQueries, true, false),
    values: tf.matMul<tf.Tensor3D>(shares, chunkGradients, true, false),
  };
}

import * as tf from '@tensorflow/tfjs-core';
import type { Checkpoint } from '../../../../main/engine/checkpoint/checkpoint.ts';
import { forwardBlock } from '../../../../main/engine/transformer/block.ts';
import { BatchSizes } from '../../../../main/engine/transformer/batch-sizes.ts';
import { BlockWeights } from '../../../../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../../../../main/engine/transformer/embedding.ts';
import { allLogits } from '../../../../main/engine/transformer/head.ts';
import { Positions } from '../../../../main/engine/transformer/positions.ts';

/** What a model would have continued a text with. */
export interface Choice {
  readonly token: number;
  /** How far its logit is above the next one. */
  readonly margin: number;
}

/**
 * The likeliest token after each of the last `count` prefixes of each sequence. Where these are the tokens that follow, the sequence
 * is what the model continues its beginning with, and one pass has shown it.
 * @param sequences of one length
 */
export async function choicesOf(
  checkpoint: Checkpoint,
  sequences: readonly (readonly number[])[],
  count: number,
): Promise<Choice[][]> {
  const hidden = await embedSegments(
    checkpoint,
    sequences.map((ids) => Int32Array.from(ids)),
  );
  const length = sequences[0]?.length ?? 0;
  const positions = new Positions(checkpoint.model, new BatchSizes(length));
  for (let block = 0; block < checkpoint.model.blocks; block++) {
    const weights = await BlockWeights.load(checkpoint, block);
    for (let index = 0; index < sequences.length; index++) {
      const at = positions.of(length);
      hidden.transform(index, (states) => forwardBlock(checkpoint.model, at, states, weights));
    }
    weights.dispose();
  }
  positions.dispose();
  const last = sequences.map((_, index) => {
    const states = hidden.upload(index);
    const rows = tf.slice2d(states, [length - 1 - count, 0], [count, checkpoint.model.hiddenSize]);
    states.dispose();
    return rows;
  });
  const rows = tf.concat2d(last, 0);
  tf.dispose(last);
  const logits = await allLogits(checkpoint, rows);
  rows.dispose();
  const { vocabSize } = checkpoint.model;
  const choiceAt = (row: number): Choice => choiceOf(logits.subarray(row * vocabSize, (row + 1) * vocabSize));
  return sequences.map((_, index) =>
    Array.from({ length: count }, (_none, step) => choiceAt(index * count + step)),
  );
}

function choiceOf(logits: Float32Array): Choice {
  let [token, best, second] = [-1, -Infinity, -Infinity];
  for (const [id, logit] of logits.entries()) {
    if (logit > best) [token, best, second] = [id, logit, best];
    else if (logit > second) second = logit;
  }
  return { token, margin: best - second };
}

import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { forwardBlock } from '../../../main/engine/transformer/block.ts';
import { BlockWeights } from '../../../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../../../main/engine/transformer/embedding.ts';
import { allLogits } from '../../../main/engine/transformer/head.ts';
import { Positions } from '../../../main/engine/transformer/positions.ts';

/** Logits of one window, [tokens, vocabulary] row-major, as the engine of the tests computes them. */
export async function windowLogits(checkpoint: Checkpoint, window: Int32Array): Promise<Float32Array> {
  const hidden = await embedSegments(checkpoint, [window]);
  const positions = new Positions(checkpoint.model, new BatchSizes(window.length));
  for (let block = 0; block < checkpoint.model.blocks; block++) {
    const weights = await BlockWeights.load(checkpoint, block);
    const at = positions.of(window.length);
    hidden.transform(0, (states) => forwardBlock(checkpoint.model, at, states, weights));
    weights.dispose();
  }
  positions.dispose();
  const states = hidden.upload(0);
  const logits = await allLogits(checkpoint, states);
  states.dispose();
  return logits;
}

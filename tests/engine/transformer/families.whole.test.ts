import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../../../main/engine/evaluate/perplexity.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { useKernelsForAttention } from '../../../main/engine/tensors/kernel-attention.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { forwardBlock } from '../../../main/engine/transformer/block.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { BlockWeights } from '../../../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../../../main/engine/transformer/embedding.ts';
import { allLogits } from '../../../main/engine/transformer/head.ts';
import type { HiddenStates } from '../../../main/engine/transformer/hidden-states.ts';
import { Positions } from '../../../main/engine/transformer/positions.ts';
import { tokenLosses } from '../../../main/engine/transformer/token-losses.ts';
import { FAMILY_MODELS, familyFolder, readExpected } from '../../golden/families.ts';
import { largest, largestDifference } from './difference.ts';

/**
 * Relative to the largest logit. Rounding takes transformers' own float32 logits up to 3.4e-6 from its float64 ones
 * (`float32_error` in the golden files); ours lie as near to those, so the two differ by at most twice that. What is
 * wrong rather than rounded is off by 1e-3 or more.
 */
const TOLERANCE = 7e-6;

beforeAll(startTestBackend);

async function runBlocks(checkpoint: Checkpoint, windows: readonly Int32Array[]): Promise<HiddenStates> {
  const hidden = await embedSegments(checkpoint, windows);
  const positions = new Positions(checkpoint.model, new BatchSizes(40));
  for (let block = 0; block < checkpoint.model.blocks; block++) {
    const weights = await BlockWeights.load(checkpoint, block);
    for (let window = 0; window < windows.length; window++) {
      const at = positions.of(hidden.length(window));
      hidden.transform(window, (states) => forwardBlock(checkpoint.model, at, states, weights));
    }
    weights.dispose();
  }
  positions.dispose();
  return hidden;
}

/** What attention is computed with, on engines that use the processor; a graphics card always takes the operations. */
describe.each(['operations', 'kernels'])('with attention by %s', (by) => {
  let pool: KernelPool | undefined;
  let putBack = (): void => undefined;
  beforeAll(async () => {
    if (by === 'operations') return;
    pool = await KernelPool.start({ threads: 2 });
    putBack = useKernelsForAttention(pool);
  });
  afterAll(async () => {
    putBack();
    await pool?.stop();
  });

  describe.each(FAMILY_MODELS)('%s, as transformers computes it', (name) => {
    it('gives the same logits', async () => {
      const checkpoint = await openCheckpoint(familyFolder(name));
      const expected = await readExpected(name);
      const hidden = (await runBlocks(checkpoint, expected.windows.slice(0, 1))).upload(0);
      const logits = await allLogits(checkpoint, hidden);
      hidden.dispose();
      await checkpoint.close();
      expect(logits.length).toBe(expected.logits.length);
      expect(largestDifference(logits, expected.logits)).toBeLessThan(TOLERANCE * largest(expected.logits));
    });

    it('gives the same loss of every token, whether the head comes whole or in chunks', async () => {
      const checkpoint = await openCheckpoint(familyFolder(name));
      const expected = await readExpected(name);
      const hidden = await runBlocks(checkpoint, expected.windows);
      // A loss is the difference of two numbers of the logits' size.
      const tolerance = 2 * TOLERANCE * largest(expected.logits);
      for (const chunkRows of [320, 7]) {
        const losses = await tokenLosses(checkpoint, hidden, expected.windows, { chunkRows });
        expect(losses.map((loss) => loss.length)).toEqual([39, 39, 39]);
        losses.forEach((loss, window) => {
          expect(largestDifference(loss, expected.nll[window] ?? [])).toBeLessThan(tolerance);
        });
      }
      await checkpoint.close();
    });

    it('gives the same perplexity and leaves no tensor behind', async () => {
      const checkpoint = await openCheckpoint(familyFolder(name));
      const expected = await readExpected(name);
      const before = tf.memory().numTensors;
      const measured = await evaluatePerplexity({ checkpoint, windows: expected.windows });
      await checkpoint.close();
      expect(measured.perplexity / expected.perplexity).toBeCloseTo(1, 5);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
});

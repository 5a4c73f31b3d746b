import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { embedSegments } from '../../../main/engine/transformer/embedding.ts';
import { allLogits, headChunkRows, headChunks } from '../../../main/engine/transformer/head.ts';
import { tokenLosses } from '../../../main/engine/transformer/token-losses.ts';
import { familyFolder } from '../../golden/families.ts';
import { largestDifference } from './difference.ts';

const IDS = Int32Array.of(4, 300, 17, 17, 319, 0);

beforeAll(startTestBackend);

describe('the language model head', () => {
  it.each(['llama', 'smollm2'] as const)(
    '%s: comes in chunks that make up the whole, one at a time',
    async (name) => {
      const checkpoint = await openCheckpoint(familyFolder(name));
      const tensor = name === 'smollm2' ? 'model.embed_tokens.weight' : 'lm_head.weight';
      const before = tf.memory().numTensors;
      const values: number[] = [];
      const ranges: [number, number][] = [];
      for await (const { from, to, rows } of headChunks(checkpoint, 150)) {
        expect(tf.memory().numTensors).toBe(before + 1);
        ranges.push([from, to]);
        values.push(...rows.dataSync());
      }
      expect(ranges).toEqual([
        [0, 150],
        [150, 300],
        [300, 320],
      ]);
      expect(values).toEqual([...(await checkpoint.read(tensor))]);
      expect(tf.memory().numTensors).toBe(before);
      await checkpoint.close();
    },
  );

  it('frees its chunk when the reader stops early', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const before = tf.memory().numTensors;
    for await (const chunk of headChunks(checkpoint, 100)) if (chunk.from === 100) break;
    expect(tf.memory().numTensors).toBe(before);
    await checkpoint.close();
  });

  it('gives the same logits in chunks as at once', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const hidden = (await embedSegments(checkpoint, [IDS])).upload(0);
    const whole = await allLogits(checkpoint, hidden);
    const chunked = await allLogits(checkpoint, hidden, 7);
    expect(whole.length).toBe(6 * 320);
    expect(largestDifference(chunked, whole)).toBeLessThan(1e-5);
    hidden.dispose();
    await checkpoint.close();
  });

  it('scores each token by the softmax of all logits', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    const hidden = await embedSegments(checkpoint, [IDS, IDS.subarray(0, 1)]);
    const states = hidden.upload(0);
    const logits = await allLogits(checkpoint, states);
    states.dispose();
    const [losses, none] = await tokenLosses(checkpoint, hidden, [IDS, IDS.subarray(0, 1)], {
      chunkRows: 64,
    });
    const expected = [...IDS.subarray(1)].map((id, token) => {
      const row = logits.subarray(token * 320, (token + 1) * 320);
      return Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0)) - (row[id] ?? NaN);
    });
    expect(none).toEqual(new Float64Array(0));
    expect(largestDifference(losses ?? [], expected)).toBeLessThan(1e-4);
    await checkpoint.close();
  });

  it('holds 32 MiB of rows or logits, whichever is more', () => {
    expect(headChunkRows(4096, 2048)).toBe(2048);
    expect(headChunkRows(576, 2048)).toBe(4096);
    expect(headChunkRows(131072 * 128, 2048)).toBe(1);
  });
});

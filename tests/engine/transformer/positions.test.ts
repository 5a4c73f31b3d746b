import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { Positions } from '../../../main/engine/transformer/positions.ts';
import { familyFolder } from '../../golden/families.ts';
import { startTestBackend } from '../tensors/test-backend.ts';

beforeAll(startTestBackend);

describe('Positions', () => {
  it('makes those of a length once, with chunks of queries as they are to be now', async () => {
    const checkpoint = await openCheckpoint(familyFolder('llama'));
    await checkpoint.close();
    const before = tf.memory().numTensors;
    const sizes = new BatchSizes(300);
    const positions = new Positions(checkpoint.model, sizes);
    const [long, short] = [positions.of(300), positions.of(20)];
    expect([long.pattern.chunk, short.pattern.chunk]).toEqual([256, 20]);
    expect([positions.of(300), positions.of(20)]).toEqual([long, short]);
    expect(positions.of(300)).toBe(long);
    const three = tf.memory().numTensors;

    sizes.shrink();
    const smaller = positions.of(300);
    expect(smaller.pattern.chunk).toBe(128);
    expect(smaller.cos).toBe(long.cos);
    // A chunk that holds the segment stays.
    expect(positions.of(20)).toBe(short);
    expect(tf.memory().numTensors).toBe(three);
    positions.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

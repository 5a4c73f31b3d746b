import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { headGradient } from '../../../main/engine/sensitivity/head-gradient.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { HiddenStates } from '../../../main/engine/transformer/hidden-states.ts';
import { HostMemory } from '../../../main/engine/transformer/host-memory.ts';
import { tokenLosses } from '../../../main/engine/transformer/token-losses.ts';
import { familyFolder } from '../../golden/families.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { largest, largestDifference } from '../transformer/difference.ts';
import { derivative } from './finite-difference.ts';

const SEGMENTS = [9, 2].map((length) => Int32Array.from({ length }, (_, i) => (i * 53 + 7 * length) % 320));

let checkpoint: Checkpoint;
beforeAll(async () => {
  await startTestBackend();
  checkpoint = await openCheckpoint(familyFolder('llama'));
});
afterAll(() => checkpoint.close());

/** Hidden states that are large enough for the softmax to be far from even, moved by `step` along a direction. */
function states(step = 0, memory = new HostMemory()): HiddenStates {
  const hidden = new HiddenStates(48, [9, 2], memory);
  hidden.lengths.forEach((length, segment) => {
    hidden.compute(segment, length, () =>
      tf.add(waving(length, segment, 1.3), tf.mul(waving(length, segment, 2.9), step)),
    );
  });
  return hidden;
}

function waving(length: number, segment: number, frequency: number): tf.Tensor2D {
  const values = Float32Array.from({ length: length * 48 }, (_, i) =>
    Math.sin((i + 31 * segment) * frequency),
  );
  return tf.tensor2d(values, [length, 48]);
}

describe('headGradient', () => {
  it('is the derivative of the summed losses', async () => {
    const steps = new Map<number, number>();
    for (const step of [-0.003, 0.003]) {
      const losses = await tokenLosses(checkpoint, states(step), SEGMENTS);
      steps.set(
        step,
        losses.reduce((sum, ofSegment) => ofSegment.reduce((total, loss) => total + loss, sum), 0),
      );
    }
    const expected = derivative((step) => steps.get(step) ?? Number.NaN, 0.003);
    const hidden = states();
    await headGradient(checkpoint, hidden, SEGMENTS, { sizes: new BatchSizes(9) });
    let along = 0;
    hidden.lengths.forEach((length, segment) => {
      const direction = waving(length, segment, 2.9);
      const values = direction.dataSync();
      direction.dispose();
      hidden.values(segment).forEach((value, i) => (along += value * (values[i] ?? Number.NaN)));
    });
    expect(along / expected).toBeCloseTo(1, 3);
  });

  it('is 0 at the last token of a segment, and the same whether head and segments come whole or in pieces', async () => {
    const whole = states();
    await headGradient(checkpoint, whole, SEGMENTS, { sizes: new BatchSizes(9) });
    const before = tf.memory().numTensors;
    const inPieces = states(0, new HostMemory({ bytes: 0 }));
    const parts: number[] = [];
    await headGradient(checkpoint, inPieces, SEGMENTS, {
      sizes: new BatchSizes(4),
      chunkRows: 37,
      onPart: (part) => parts.push(part),
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(parts).toHaveLength(18);
    expect(parts.at(-1)).toBe(1);
    [9, 2].forEach((length, segment) => {
      const values = whole.values(segment);
      expect([...values.subarray((length - 1) * 48)]).toEqual(Array.from({ length: 48 }, () => 0));
      expect(largestDifference(inPieces.values(segment), values)).toBeLessThan(1e-5 * largest(values));
    });
    inPieces.dispose();
  });

  it('does not pass off a gradient that is not a number', async () => {
    const before = tf.memory().numTensors;
    const memory = new HostMemory();
    const hidden = states(0, memory);
    hidden.setToken(1, 0, new Float32Array(48).fill(Infinity));
    const taken = memory.taken;
    const run = headGradient(checkpoint, hidden, SEGMENTS, { sizes: new BatchSizes(9) });
    await expect(run).rejects.toMatchObject({ code: 'engine/kernel-failed', where: 'segment 1' });
    expect(memory.taken).toBe(taken);
    hidden.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

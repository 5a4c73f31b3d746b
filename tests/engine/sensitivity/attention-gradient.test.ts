import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { attentionGradient } from '../../../main/engine/sensitivity/attention-gradient.ts';
import { AttentionPattern, attend } from '../../../main/engine/transformer/attention.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { derivative, inner, waves } from './finite-difference.ts';

beforeAll(startTestBackend);

const LENGTH = 11;
const HEAD_DIM = 6;

describe('attentionGradient', () => {
  it.each([
    { heads: 1, kvHeads: 1, window: undefined, chunk: 11 },
    { heads: 4, kvHeads: 2, window: undefined, chunk: 4 },
    { heads: 3, kvHeads: 1, window: 3, chunk: 4 },
    { heads: 2, kvHeads: 2, window: 5, chunk: 1 },
  ])(
    'is the derivative of attend: $heads heads, $kvHeads of keys, window $window, chunks of $chunk',
    (shape) => {
      const { heads, kvHeads, window, chunk } = shape;
      const pattern = new AttentionPattern(LENGTH, window, chunk);
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const taken = {
          queries: waves([heads, LENGTH, HEAD_DIM], 1, 3),
          keys: waves([kvHeads, LENGTH, HEAD_DIM], 2, 2),
          values: waves([kvHeads, LENGTH, HEAD_DIM], 3),
        };
        const gradient = waves([LENGTH, heads * HEAD_DIM], 4);
        const found = attentionGradient(taken, pattern, gradient);
        for (const of of ['queries', 'keys', 'values'] as const) {
          const direction = waves(taken[of].shape, 5);
          const loss = (at: number): number => {
            const moved = (key: keyof typeof taken): tf.Tensor3D =>
              key === of ? tf.add(taken[key], tf.mul(direction, at)) : taken[key];
            return inner(attend(moved('queries'), moved('keys'), moved('values'), pattern), gradient);
          };
          const expected = derivative(loss, 0.01);
          expect(found[of].shape).toEqual(taken[of].shape);
          expect(Math.abs(expected)).toBeGreaterThan(0.01);
          expect(Math.abs(inner(found[of], direction) - expected)).toBeLessThan(
            2e-3 * Math.max(1, Math.abs(expected)),
          );
        }
      });
      expect(tf.memory().numTensors).toBe(before);
      pattern.dispose();
    },
  );
});

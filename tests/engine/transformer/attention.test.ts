import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBackend } from '../tensors/test-backend.ts';
import { AttentionPattern, attend } from '../../../main/engine/transformer/attention.ts';
import { largestDifference } from './difference.ts';

beforeAll(startTestBackend);

interface Shape {
  readonly kvHeads: number;
  readonly groups: number;
  readonly length: number;
  readonly headDim: number;
}

/** Reproducible values in (-2, 2). */
function values(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => 2 * Math.sin(seed + i * 1.7 + i * i * 0.013));
}

function attendOver(shape: Shape, window: number | undefined, chunk: number): Float32Array {
  const { kvHeads, groups, length, headDim } = shape;
  const heads = kvHeads * groups;
  const pattern = new AttentionPattern(length, window, chunk);
  const mixed = tf.tidy(() =>
    attend(
      tf.tensor3d(values(heads * length * headDim, 1), [heads, length, headDim]),
      tf.tensor3d(values(kvHeads * length * headDim, 2), [kvHeads, length, headDim]),
      tf.tensor3d(values(kvHeads * length * headDim, 3), [kvHeads, length, headDim]),
      pattern,
    ).dataSync<'float32'>(),
  );
  pattern.dispose();
  return mixed;
}

/** The definition, one query at a time in float64: [T, heads * headDim]. */
function attendByDefinition(shape: Shape, window: number | undefined): number[] {
  const { kvHeads, groups, length, headDim } = shape;
  const heads = kvHeads * groups;
  const [q, k, v] = [heads, kvHeads, kvHeads].map((count, i) => values(count * length * headDim, i + 1));
  const at = (x: Float32Array | undefined, head: number, token: number, i: number): number =>
    x?.[(head * length + token) * headDim + i] ?? NaN;
  const mixed: number[] = [];
  for (let token = 0; token < length; token++) {
    for (let head = 0; head < heads; head++) {
      const kvHead = Math.floor(head / groups);
      const first = window === undefined ? 0 : Math.max(0, token - window + 1);
      const shares = Array.from({ length: token - first + 1 }, (_, key) => {
        let product = 0;
        for (let i = 0; i < headDim; i++) product += at(q, head, token, i) * at(k, kvHead, first + key, i);
        return Math.exp(product / Math.sqrt(headDim));
      });
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (let i = 0; i < headDim; i++) {
        mixed.push(
          shares.reduce((sum, share, key) => sum + (share / total) * at(v, kvHead, first + key, i), 0),
        );
      }
    }
  }
  return mixed;
}

describe('attend', () => {
  it('is softmax attention over the visible keys, for any heads, window and chunk', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 24 }),
        fc.constantFrom(2, 6),
        fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
        fc.integer({ min: 1, max: 30 }),
        (kvHeads, groups, length, headDim, window, chunk) => {
          const shape = { kvHeads, groups, length, headDim };
          expect(
            largestDifference(attendOver(shape, window, chunk), attendByDefinition(shape, window)),
          ).toBeLessThan(3e-6);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each([undefined, 100])('gives the same in chunks of 256 as at once, window %s', (window) => {
    const shape = { kvHeads: 2, groups: 2, length: 600, headDim: 4 };
    expect(largestDifference(attendOver(shape, window, 256), attendOver(shape, window, 600))).toBeLessThan(
      3e-6,
    );
  });

  it('stays a number where scores are huge', () => {
    const pattern = new AttentionPattern(2, undefined, 2);
    const q = tf.tensor3d([1e4, 1e4], [1, 2, 1]);
    const v = tf.tensor3d([1, 2], [1, 2, 1]);
    expect([...attend(q, tf.tensor3d([-1e4, 1e4], [1, 2, 1]), v, pattern).dataSync()]).toEqual([1, 2]);
  });
});

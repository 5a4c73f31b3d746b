import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { rmsNormGradient } from '../../../main/engine/sensitivity/norm-gradient.ts';
import { rmsNorm } from '../../../main/engine/transformer/norm.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { derivative, inner, waves } from './finite-difference.ts';

beforeAll(startTestBackend);

describe('rmsNormGradient', () => {
  it('is nothing along x itself, whose length the norm takes away', () => {
    const values = tf.tidy(() => {
      // mean(x^2) = 25, so x is divided by 5; of the gradient (1, 0), the part along (1, 7) is (1, 7) / 50.
      const x = tf.tensor2d([1, 7, 1, 7], [2, 2]);
      return rmsNormGradient(x, tf.tensor1d([1, 1]), 0, tf.tensor2d([1, 7, 1, 0], [2, 2])).dataSync();
    });
    [0, 0, 49 / 250, -7 / 250].forEach((expected, i) => expect(values[i]).toBeCloseTo(expected, 6));
  });

  it.each([0, 1e-5, 0.3])('is the derivative of rmsNorm, heads and all, with epsilon %f', (epsilon) => {
    tf.tidy(() => {
      const x = waves([3, 5, 20], 1);
      const direction = waves([3, 5, 20], 2);
      const gradient = waves([3, 5, 20], 3);
      const weight = tf.tensor1d(waves([1, 20], 4).dataSync());
      const loss = (at: number): number =>
        inner(rmsNorm(tf.add<tf.Tensor3D>(x, tf.mul(direction, at)), weight, epsilon), gradient);
      const expected = derivative(loss, 0.01);
      expect(Math.abs(expected)).toBeGreaterThan(0.1);
      expect(inner(rmsNormGradient(x, weight, epsilon, gradient), direction) / expected).toBeCloseTo(1, 3);
    });
  });
});

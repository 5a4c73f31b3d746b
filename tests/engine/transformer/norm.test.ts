import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBackend } from '../tensors/test-backend.ts';
import { rmsNorm } from '../../../main/engine/transformer/norm.ts';
import { largest } from './difference.ts';

beforeAll(startTestBackend);

/** The same in float64, rounded once. */
function exactRmsNorm(x: readonly number[], weight: readonly number[], epsilon: number): number[] {
  const scale = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / x.length + epsilon);
  return x.map((value, i) => Math.fround(value * scale * (weight[i] ?? NaN)));
}

/** Reproducible values in (-1, 1), of uneven size. */
function waves(count: number, step: number): number[] {
  return Array.from({ length: count }, (_, i) =>
    Math.fround(Math.sin((i + 1) * step) * Math.cos(i * i * 0.37)),
  );
}

describe('rmsNorm', () => {
  it('divides by the root of the mean square', () => {
    const x = tf.tensor2d([3, 4, 0, 0, 1, 1, 1, 1], [2, 4]);
    const normed = rmsNorm(x, tf.tensor1d([1, 2, 3, 4]), 0);
    expect([...normed.dataSync()]).toEqual([1.2000000476837158, 3.200000047683716, 0, 0, 1, 2, 3, 4]);
  });

  it('puts epsilon under the root', () => {
    const normed = rmsNorm(tf.tensor2d([0.5, 0.5], [1, 2]), tf.tensor1d([1, 1]), 0.75);
    expect([...normed.dataSync()]).toEqual([0.5, 0.5]);
  });

  it.each([1, 7, 47, 576, 4096, 8192])('is right to the last float32 bits over %i values', (width) => {
    const x = waves(width, 1.1);
    const weight = waves(width, 0.3);
    const normed = rmsNorm(tf.tensor2d([x], [1, width]), tf.tensor1d(weight), 1e-5).dataSync<'float32'>();
    const exact = exactRmsNorm(x, weight, 1e-5);
    // Square, two sums, quotient, root and two products: a handful of roundings of 6e-8 each.
    const relative = normed.map((value, i) => value / (exact[i] ?? NaN) - 1);
    expect(largest(relative)).toBeLessThan(5e-7);
  });

  it('normalizes the last axis of each head', () => {
    const heads = rmsNorm(tf.tensor3d([3, 4, 6, 8], [1, 2, 2]), tf.tensor1d([5, 5]), 0);
    expect(heads.shape).toEqual([1, 2, 2]);
    const [a, b, c, d] = heads.dataSync();
    expect([a, b]).toEqual([c, d]);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CholeskyFactor, choleskyFactor } from '../../../../main/engine/tensors/tensorflow/cholesky.ts';
import {
  type TensorflowBackend,
  tensorflowInUse,
} from '../../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { prepareHessian } from '../../../oracle/gptq.ts';
import { type Matrix, at, choleskyLower } from '../../../oracle/linear-algebra.ts';
import { Random, randomHessian } from '../../../oracle/random.ts';
import { startTestBackend } from '../test-backend.ts';

let backend: TensorflowBackend;
beforeAll(async () => {
  await startTestBackend();
  const started = tensorflowInUse();
  if (started === undefined) throw new Error('these tests are of TensorFlow');
  backend = started;
});

/** The factor of a matrix given with another diagonal, which is to be replaced. */
function factorOf(matrix: Matrix): CholeskyFactor | undefined {
  const n = matrix.rows;
  const diagonal = Float32Array.from({ length: n }, (_, i) => at(matrix, i, i));
  const values = Float32Array.from(matrix.values);
  for (let i = 0; i < n; i++) values[i * n + i] = NaN;
  const tensor = tf.tensor2d(values, [n, n]);
  try {
    return choleskyFactor(backend, tensor, diagonal);
  } finally {
    tensor.dispose();
  }
}

/** Damped as a Hessian is. */
function dampedHessian(n: number): Matrix {
  return prepareHessian(randomHessian(new Random(53), n, []), 0.01, false).damped;
}

describe('choleskyFactor', () => {
  const largest = dampedHessian(1100);

  // One block, panels that come out even, and panels that do not.
  it.each([1, 300, 1024, 1100])('factors %i columns as in float64', (n) => {
    const matrix = n === 1100 ? largest : dampedHessian(n);
    const expected = choleskyLower(matrix);
    const before = tf.memory().numTensors;
    const factor = factorOf(matrix);
    if (factor === undefined) throw new Error('not factored');
    const lower = factor.lower.dataSync<'float32'>();
    let worst = 0;
    for (let row = 0; row < n; row++) {
      const size = Math.sqrt(at(matrix, row, row));
      for (let column = 0; column <= row; column++) {
        const difference = Math.abs((lower[row * n + column] ?? NaN) - at(expected, row, column));
        worst = Math.max(worst, difference / size);
      }
      expect(factor.roots[row]).toBe(lower[row * n + row]);
    }
    // Float32 roundings, times the root of what the damped matrix's condition is.
    expect(worst).toBeLessThan(2e-5);
    factor.lower.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['first', 100],
    ['third', 700],
    ['last', 1099],
  ])('does not factor a matrix that is not positive definite in the %s panel', (_, column) => {
    const n = largest.rows;
    const matrix = { ...largest, values: largest.values.slice() };
    // More in common with its neighbour than either has.
    const neighbour = column - 1;
    const size = 2 * Math.sqrt(at(matrix, column, column) * at(matrix, neighbour, neighbour));
    matrix.values[column * n + neighbour] = size;
    matrix.values[neighbour * n + column] = size;
    expect(() => choleskyLower(matrix)).toThrow(RangeError);
    const before = tf.memory().numTensors;
    expect(factorOf(matrix)).toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
  });
});

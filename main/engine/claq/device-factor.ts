import * as tf from '@tensorflow/tfjs-core';
import { BLOCK, roundUp } from '../kernels/layout.ts';
import { choleskyFactor } from '../tensors/tensorflow/cholesky.ts';
import { type TensorflowBackend, tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import { type FactorOptions, dampUntilFactored, readDiagonal, sensitivityOf } from './damping.ts';
import type { DeviceHessian } from './device-hessian.ts';
import type { FactoredColumns } from './factored-columns.ts';

/** A factor on TensorFlow's device. */
export interface DeviceFactor extends FactoredColumns {
  readonly home: 'device';
  /** U, [padded columns, padded columns], by position; below the diagonal stands anything. */
  readonly upper: tf.Tensor2D;
  /** D by position. */
  readonly d: Float64Array;
  /** Frees U. */
  dispose(): void;
}

/**
 * Damps and factors a Hessian where it was added up, and frees it. Reversing the order of the columns turns the upper factor
 * into the lower one of an ordinary Cholesky factorization. Some three and a half matrices of columns x columns stand on the
 * device at a time at most. Throws ClaqError hessian/not-finite, hessian/not-positive-definite.
 */
export async function factorOnDevice(hessian: DeviceHessian, options: FactorOptions): Promise<DeviceFactor> {
  const backend = requireTensorflow();
  const { columns, scale } = hessian;
  const diagonal = hessian.diagonal();
  const choices = readDiagonal(diagonal, options);
  const { order, dead, mean } = choices;
  const lastFirst = order.toReversed();
  const arranged = inTurn(hessian.takeProducts(), [
    (products) => tf.gather(products, lastFirst, 0),
    // Symmetric: its columns are its rows. Gathering columns takes five times as long as turning it around does.
    (products) => tf.gather(tf.transpose<tf.Tensor2D>(products), lastFirst, 0),
    (products) => tf.mul(products, scale),
  ]);
  try {
    return await dampUntilFactored(options, (damping) => {
      const damped = Float32Array.from(
        lastFirst,
        (column) => (dead[column] === 1 ? 1 : (diagonal[column] ?? 0)) + damping * mean,
      );
      const factored = choleskyFactor(backend, arranged, damped);
      if (factored === undefined) return undefined;
      const { lower, roots } = factored;
      const d = Float64Array.from(roots.toReversed(), (root) => root * root);
      const padding = roundUp(columns, BLOCK) - columns;
      const upper = inTurn(lower, [
        (matrix) => tf.reverse(matrix, [0, 1]),
        (matrix) => tf.div(matrix, tf.tensor2d(roots.toReversed(), [1, columns])),
        (matrix) =>
          padding === 0
            ? tf.clone(matrix)
            : tf.pad(matrix, [
                [0, padding],
                [0, padding],
              ]),
      ]);
      return {
        home: 'device',
        columns,
        paddedColumns: columns + padding,
        order,
        diagonal,
        dead,
        sensitivity: sensitivityOf(d, choices),
        damping,
        upper,
        d,
        dispose: () => upper.dispose(),
      } as const;
    });
  } finally {
    arranged.dispose();
  }
}

/** Applies each step to what the one before it gave, and frees that at once: large matrices do not wait for an end. */
function inTurn(matrix: tf.Tensor2D, steps: readonly ((matrix: tf.Tensor2D) => tf.Tensor2D)[]): tf.Tensor2D {
  return steps.reduce((before, step) => {
    try {
      return tf.tidy(() => step(before));
    } finally {
      before.dispose();
    }
  }, matrix);
}

function requireTensorflow(): TensorflowBackend {
  const backend = tensorflowInUse();
  if (backend === undefined) throw new Error('only TensorFlow factors a Hessian where it was added up');
  return backend;
}

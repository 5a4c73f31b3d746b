import * as tf from '@tensorflow/tfjs-core';
import { BLOCK, roundUp } from '../kernels/layout.ts';
import {
  type OpAttribute,
  type TensorflowBackend,
  tensorflowInUse,
} from '../tensors/tensorflow/tensorflow-backend.ts';
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
    (products) => tf.gather(products, lastFirst, 1),
    (products) => tf.mul(products, scale),
  ]);
  try {
    return await dampUntilFactored(options, (damping) => {
      const damped = Float32Array.from(
        lastFirst,
        (column) => (dead[column] === 1 ? 1 : (diagonal[column] ?? 0)) + damping * mean,
      );
      const lower = tf.tidy(() => cholesky(backend, withDiagonal(backend, arranged, damped)));
      const roots = rootsOf(backend, lower);
      if (roots === undefined) return undefined;
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

/** The diagonal of a lower factor; undefined where the factorization failed. Frees the factor then, and where it throws. */
function rootsOf(backend: TensorflowBackend, lower: tf.Tensor2D): Float32Array | undefined {
  let factored = false;
  try {
    const roots = diagonalOf(backend, lower);
    // A factorization that fails leaves NaN, and does not throw.
    factored = roots.every((root) => root > 0);
    return factored ? roots : undefined;
  } finally {
    if (!factored) lower.dispose();
  }
}

/** The lower factor; above its diagonal stands anything. NaN where the matrix is not positive definite. */
function cholesky(backend: TensorflowBackend, matrix: tf.Tensor2D): tf.Tensor2D {
  return asMatrix(backend.executeSingleOutput('Cholesky', [elementType(backend)], [matrix]), matrix.shape);
}

function withDiagonal(backend: TensorflowBackend, matrix: tf.Tensor2D, diagonal: Float32Array): tf.Tensor2D {
  const inputs = [matrix, tf.tensor1d(diagonal)];
  return asMatrix(backend.executeSingleOutput('MatrixSetDiag', [elementType(backend)], inputs), matrix.shape);
}

function diagonalOf(backend: TensorflowBackend, matrix: tf.Tensor2D): Float32Array {
  const diagonal = backend.executeSingleOutput('MatrixDiagPart', [elementType(backend)], [matrix]);
  try {
    return diagonal.dataSync<'float32'>();
  } finally {
    diagonal.dispose();
  }
}

function elementType({ binding }: TensorflowBackend): OpAttribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

function asMatrix(tensor: tf.Tensor, shape: [number, number]): tf.Tensor2D {
  return tf.reshape<tf.Rank.R2>(tensor, shape);
}

import * as tf from '@tensorflow/tfjs-core';
import { BLOCK, roundUp } from '../kernels/layout.ts';
import type { FactoredColumns } from './factored-columns.ts';

/** Rows that are arranged at a time: a whole matrix at each step would be several of them in the device's memory. */
const STRIP_ROWS = 6 * BLOCK;

/** How the columns of a matrix depend on each other's errors: H itself, not its factor. */
export interface Couplings {
  readonly paddedColumns: number;
  /** [padded columns, padded columns] by position: H[i, j] / H[j, j], zero on the diagonal and where columns are dead or padding. */
  readonly upper: tf.Tensor2D;
  /** diag(H) by position, damped as it was factored. */
  readonly d: Float64Array;
  dispose(): void;
}

/**
 * In the order and with the damping of a factorization.
 * @param hessian [columns, columns], undamped, by the columns' own index; stays the caller's
 */
export function couplingsOf(
  hessian: tf.Tensor2D,
  { columns, order, dead, diagonal, damping }: FactoredColumns,
): Couplings {
  const paddedColumns = roundUp(columns, BLOCK);
  const mean = meanOf(diagonal, dead);
  const d = new Float64Array(paddedColumns).fill(1);
  for (const [position, column] of order.entries()) {
    d[position] = (dead[column] === 1 ? 1 : (diagonal[column] ?? 0)) + damping * mean;
  }
  const upper = tf.tidy(() => {
    const places = tf.tensor1d(order, 'int32');
    const divisors = tf.tensor2d(Float32Array.from(d.subarray(0, columns)), [1, columns]);
    const strips: tf.Tensor2D[] = [];
    for (let first = 0; first < columns; first += STRIP_ROWS) {
      const rows = Math.min(STRIP_ROWS, columns - first);
      strips.push(
        tf.tidy(() => {
          const arranged = tf.gather(tf.gather(hessian, tf.slice(places, first, rows), 0), places, 1);
          const others = tf.sub(1, padded(tf.eye(rows), 0, first, columns - first - rows));
          return padded(tf.div(tf.mul(arranged, others), divisors), 0, 0, paddedColumns - columns);
        }),
      );
    }
    return padded(tf.concat2d(strips, 0), paddedColumns - columns, 0, 0);
  });
  return { paddedColumns, upper, d, dispose: () => upper.dispose() };
}

/** With zeros around it; itself where there are none. */
function padded(matrix: tf.Tensor2D, below: number, before: number, behind: number): tf.Tensor2D {
  if (below + before + behind === 0) return matrix;
  return tf.pad2d(matrix, [
    [0, below],
    [before, behind],
  ]);
}

/** Of the diagonal, dead columns counted as 1: what shares of damping refer to (damping.ts). */
function meanOf(diagonal: Float64Array, dead: Uint8Array): number {
  return diagonal.reduce((sum, value, column) => sum + (dead[column] === 1 ? 1 : value), 0) / diagonal.length;
}

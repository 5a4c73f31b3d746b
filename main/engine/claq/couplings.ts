import * as tf from '@tensorflow/tfjs-core';
import { BLOCK, roundUp } from '../kernels/layout.ts';
import type { FactoredColumns } from './factored-columns.ts';

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
  const padding = paddedColumns - columns;
  const upper = tf.tidy(() => {
    const places = tf.tensor1d(order, 'int32');
    const arranged = tf.gather(tf.gather(hessian, places, 0), places, 1);
    const offDiagonal = tf.mul<tf.Tensor2D>(arranged, tf.sub(1, tf.eye(columns)));
    const divided = tf.div<tf.Tensor2D>(
      offDiagonal,
      tf.tensor2d(Float32Array.from(d.subarray(0, columns)), [1, columns]),
    );
    return tf.pad2d(divided, [
      [0, padding],
      [0, padding],
    ]);
  });
  return { paddedColumns, upper, d, dispose: () => upper.dispose() };
}

/** Of the diagonal, dead columns counted as 1: what shares of damping refer to (damping.ts). */
function meanOf(diagonal: Float64Array, dead: Uint8Array): number {
  return diagonal.reduce((sum, value, column) => sum + (dead[column] === 1 ? 1 : value), 0) / diagonal.length;
}

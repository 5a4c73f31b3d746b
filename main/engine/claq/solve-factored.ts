/** X H = G for X, where H = U D U^T has been factored: what the corrections of weights need of their Hessian. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, PANEL } from '../kernels/layout.ts';
import type { HessianFactor, KernelFactor } from './factor.ts';

/** Triangles up to this size are inverted on the processor; larger ones are put together of two with products. */
const INVERTED_COLUMNS = 96;

/**
 * @param right G, [rows, columns] by the columns' own index; stays the caller's
 * @returns X = G H^-1, likewise; zero in dead columns. The caller's. float32, on the backend
 */
export function solveFactored(pool: KernelPool, factor: HessianFactor, right: tf.Tensor2D): tf.Tensor2D {
  const { columns, order } = factor;
  const back = new Int32Array(columns);
  for (const [position, column] of order.entries()) back[column] = position;
  return tf.tidy(() => {
    const inverse = tf.tidy(() => {
      const upper = factor.home === 'device' ? factor.upper : upperOf(pool, factor);
      return invertUpper(upper, 0, columns);
    });
    const arranged = tf.gather(right, tf.tensor1d(order, 'int32'), 1);
    const halfway = tf.div<tf.Tensor2D>(tf.matMul(arranged, inverse, false, true), dOf(pool, factor));
    const solved = tf.gather(tf.matMul(halfway, inverse), tf.tensor1d(back, 'int32'), 1);
    const alive = Float32Array.from(factor.dead, (dead) => 1 - dead);
    return tf.mul<tf.Tensor2D>(solved, tf.tensor2d(alive, [1, columns]));
  });
}

/**
 * Inverse of U's part between two columns, which is unit upper triangular: with U = [A B; 0 C] it is
 * [A^-1, -A^-1 B C^-1; 0, C^-1].
 */
function invertUpper(upper: tf.Tensor2D, from: number, to: number): tf.Tensor2D {
  const size = to - from;
  if (size <= INVERTED_COLUMNS) {
    const within = tf.slice(upper, [from, from], [size, size]);
    return tf.tensor2d(invertUnitUpper(within.dataSync<'float32'>(), size), [size, size]);
  }
  const middle = from + Math.ceil(size / 2);
  return tf.tidy(() => {
    const [first, last] = [invertUpper(upper, from, middle), invertUpper(upper, middle, to)];
    const between = tf.slice(upper, [from, middle], [middle - from, to - middle]);
    const corner = tf.neg<tf.Tensor2D>(tf.matMul(tf.matMul(first, between), last));
    const below = tf.zeros<tf.Rank.R2>([to - middle, middle - from]);
    return tf.concat2d([tf.concat2d([first, corner], 1), tf.concat2d([below, last], 1)], 0);
  });
}

/** Inverse of a unit upper triangular matrix, row-major; what stands below its diagonal is not read. */
export function invertUnitUpper(values: Float32Array, size: number): Float32Array {
  const inverse = new Float64Array(size * size);
  for (let row = size - 1; row >= 0; row--) {
    const at = row * size;
    inverse[at + row] = 1;
    for (let k = row + 1; k < size; k++) {
      const factor = values[at + k] ?? 0;
      if (factor === 0) continue;
      for (let column = k; column < size; column++) {
        inverse[at + column] = (inverse[at + column] ?? 0) - factor * (inverse[k * size + column] ?? 0);
      }
    }
  }
  return Float32Array.from(inverse);
}

/** D by position, [1, columns]. */
function dOf({ arena }: KernelPool, factor: HessianFactor): tf.Tensor2D {
  const { columns } = factor;
  const d = factor.home === 'device' ? factor.d.subarray(0, columns) : arena.doubles(factor.d, columns);
  return tf.tensor2d(Float32Array.from(d), [1, columns]);
}

/** U out of the kernels' memory, [padded columns, padded columns]. */
function upperOf({ arena }: KernelPool, { panels, paddedColumns }: KernelFactor): tf.Tensor2D {
  const blocks = paddedColumns / BLOCK;
  const values = tf.tensor(arena.floats(panels, paddedColumns * paddedColumns).slice(), [
    blocks,
    blocks,
    BLOCK / PANEL,
    BLOCK,
    PANEL,
  ]);
  return tf.reshape(tf.transpose(values, [0, 3, 1, 2, 4]), [paddedColumns, paddedColumns]);
}

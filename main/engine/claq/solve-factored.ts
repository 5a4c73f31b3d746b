/** X H = G for X, where H = U D U^T has been factored: what the corrections of a matrix's weights need of its Hessian. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, PANEL } from '../kernels/layout.ts';
import type { HessianFactor, KernelFactor } from './factor.ts';

/** Columns that are solved for at once: the triangle of so many is inverted on the processor, the rest are products. */
const SOLVED_COLUMNS = 4 * BLOCK;

/**
 * @param right G, [rows, columns] by the columns' own index; stays the caller's
 * @returns X = G H^-1, likewise; zero in dead columns. The caller's. float32, on the backend
 */
export function solveFactored(pool: KernelPool, factor: HessianFactor, right: tf.Tensor2D): tf.Tensor2D {
  const { columns, order } = factor;
  const back = new Int32Array(columns);
  for (const [position, column] of order.entries()) back[column] = position;
  return tf.tidy(() => {
    const upper = factor.home === 'device' ? factor.upper : upperOf(pool, factor);
    const triangles = trianglesOf(upper, columns);
    const arranged = tf.gather(right, tf.tensor1d(order, 'int32'), 1);
    const solved = forwards(
      upper,
      triangles,
      scaled(backwards(upper, triangles, arranged), dOf(pool, factor)),
    );
    const restored = tf.gather(solved, tf.tensor1d(back, 'int32'), 1);
    const alive = Float32Array.from(factor.dead, (dead) => 1 - dead);
    return tf.mul<tf.Tensor2D>(restored, tf.tensor2d(alive, [1, columns]));
  });
}

/** Columns of U by position, and the inverse of its triangle there, [size, size]. */
interface Triangle {
  readonly first: number;
  readonly size: number;
  readonly inverse: tf.Tensor2D;
}

function trianglesOf(upper: tf.Tensor2D, columns: number): Triangle[] {
  return Array.from({ length: Math.ceil(columns / SOLVED_COLUMNS) }, (_, i) => {
    const first = i * SOLVED_COLUMNS;
    const size = Math.min(SOLVED_COLUMNS, columns - first);
    const values = tf.slice(upper, [first, first], [size, size]).dataSync<'float32'>();
    return { first, size, inverse: tf.tensor2d(invertUnitUpper(values, size), [size, size]) };
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

/** Y with Y U^T = G, from the last columns on. */
function backwards(upper: tf.Tensor2D, triangles: readonly Triangle[], right: tf.Tensor2D): tf.Tensor2D {
  const solved: tf.Tensor2D[] = [];
  for (const [i, { first, size, inverse }] of [...triangles.entries()].toReversed()) {
    let left = columnsOf(right, first, size);
    for (const [k, behind] of triangles.slice(i + 1).entries()) {
      const part = solved[k];
      if (part === undefined) continue;
      const between = tf.slice(upper, [first, behind.first], [size, behind.size]);
      left = tf.sub(left, tf.matMul(part, between, false, true));
    }
    solved.unshift(tf.matMul(left, inverse, false, true));
  }
  return tf.concat2d(solved, 1);
}

/** X with X U = Z, from the first columns on. */
function forwards(upper: tf.Tensor2D, triangles: readonly Triangle[], right: tf.Tensor2D): tf.Tensor2D {
  const solved: tf.Tensor2D[] = [];
  for (const { first, size, inverse } of triangles) {
    let left = columnsOf(right, first, size);
    for (const [k, part] of solved.entries()) {
      const before = triangles[k];
      if (before === undefined) continue;
      const between = tf.slice(upper, [before.first, first], [before.size, size]);
      left = tf.sub(left, tf.matMul(part, between));
    }
    solved.push(tf.matMul(left, inverse));
  }
  return tf.concat2d(solved, 1);
}

function columnsOf(matrix: tf.Tensor2D, first: number, size: number): tf.Tensor2D {
  return tf.slice(matrix, [0, first], [matrix.shape[0], size]);
}

/** D by position. */
function dOf({ arena }: KernelPool, factor: HessianFactor): Float32Array {
  const { columns } = factor;
  return Float32Array.from(factor.home === 'device' ? factor.d : arena.doubles(factor.d, columns));
}

/** Z = Y D^-1. */
function scaled(matrix: tf.Tensor2D, d: Float32Array): tf.Tensor2D {
  return tf.div(matrix, tf.tensor2d(d, [1, d.length]));
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

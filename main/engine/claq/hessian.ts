import * as tf from '@tensorflow/tfjs-core';
import { BLOCK, PANEL, STRIP, roundUp } from '../kernels/layout.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';

/**
 * H = (2 / segments) X X^T over all calibration segments, X the inputs of a linear layer. Accumulated in float32, the
 * lower block triangle only, in the kernels' memory, where the factorization reads it.
 */
export class Hessian {
  readonly home = 'kernels';
  readonly columns: number;
  readonly paddedColumns: number;
  /** Pointer to the accumulated products (without the factor 2 / segments), blocked layout. */
  readonly products: number;
  readonly #pool: KernelPool;
  #segments = 0;

  /** Allocates in the pool's arena; the caller's mark owns it. */
  constructor(pool: KernelPool, columns: number) {
    this.#pool = pool;
    this.columns = columns;
    this.paddedColumns = roundUp(columns, BLOCK);
    this.products = pool.arena.allocate(this.paddedColumns * this.paddedColumns * 4);
    pool.arena.floats(this.products, this.paddedColumns * this.paddedColumns).fill(0);
  }

  /** What the products are multiplied with to be the Hessian. */
  get scale(): number {
    return 2 / this.#segments;
  }

  /** Adds one segment's inputs, [tokens, columns] row-major. */
  async add(inputs: Float32Array, tokens: number): Promise<void> {
    const { arena } = this.#pool;
    const mark = arena.mark();
    const source = arena.copyFloats(inputs);
    const strips = arena.allocate(this.paddedColumns * tokens * 4);
    const panels = arena.allocate(this.paddedColumns * tokens * 4);
    const pack = async (packed: number, width: number): Promise<void> => {
      const args = arena.words([source, packed, this.columns, tokens, 1, this.columns, width]);
      await this.#pool.runTilesAsync('packLines', args, this.paddedColumns / width);
    };
    await pack(strips, STRIP);
    await pack(panels, PANEL);
    const args = arena.words([strips, panels, this.products, this.paddedColumns, tokens]);
    await this.#pool.runTilesAsync('gramBlock', args, this.paddedColumns / BLOCK);
    this.#segments += 1;
    arena.release(mark);
  }

  /** Starts from a Hessian that was computed elsewhere: [columns, columns], symmetric, row-major. */
  load(hessian: Float32Array): void {
    const { columns, paddedColumns } = this;
    const products = this.#pool.arena.floats(this.products, paddedColumns * paddedColumns);
    for (let row = 0; row < columns; row++) {
      for (let column = 0; column <= row; column++)
        products[this.#offset(row, column)] = (hessian[row * columns + column] ?? 0) / 2;
    }
    this.#segments = 1;
  }

  /** diag(H), [columns]. */
  diagonal(): Float64Array {
    const products = this.#pool.arena.floats(this.products, this.paddedColumns * this.paddedColumns);
    return Float64Array.from(
      { length: this.columns },
      (_, i) => (products[this.#offset(i, i)] ?? 0) * this.scale,
    );
  }

  /** H, [columns, columns], undamped, on the backend: the caller's. */
  whole(): tf.Tensor2D {
    const { columns, paddedColumns, scale } = this;
    const products = this.#pool.arena.floats(this.products, paddedColumns * paddedColumns);
    const values = new Float32Array(columns * columns);
    for (let row = 0; row < columns; row++) {
      for (let column = 0; column <= row; column++) {
        const value = (products[this.#offset(row, column)] ?? 0) * scale;
        values[row * columns + column] = value;
        values[column * columns + row] = value;
      }
    }
    return tf.tensor2d(values, [columns, columns]);
  }

  #offset(row: number, column: number): number {
    const strips = this.paddedColumns / STRIP;
    const strip = Math.floor(column / BLOCK) * strips + Math.floor(row / STRIP);
    return strip * BLOCK * STRIP + (column % BLOCK) * STRIP + (row % STRIP);
  }
}

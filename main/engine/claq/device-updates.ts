import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, PANEL, STRIP, roundUp } from '../kernels/layout.ts';
import type { DeviceFactor } from './device-factor.ts';
import type { FactorPart, LoopJob } from './loop-job.ts';

/** Blocks of columns that the kernels finish between two of TensorFlow's products, where these pay. */
const WINDOW_BLOCKS = 4;

/**
 * Multiplications behind the first window from which on products make up for carrying errors and corrections there and back:
 * some 2048 x 2048 (npm run bench:loop -- --size 2048). A constant, not a measurement at each start: it decides the bytes.
 */
const SMALLEST_UPDATES = 2 ** 32;

/** Blocks of a window for matrices with so many rows together: few where products pay, else all of them. */
export function windowBlocks(rows: number, columns: number): number {
  const behind = Math.max(0, columns - WINDOW_BLOCKS * BLOCK);
  return (rows * columns * behind) / 2 >= SMALLEST_UPDATES ? WINDOW_BLOCKS : Math.ceil(columns / BLOCK);
}

/** Some blocks of columns, and what the kernels need of the factor to quantize them. */
export interface Window extends FactorPart {
  readonly blocks: number;
}

/**
 * The errors of the quantized columns of a group's matrices, carried to the columns behind by TensorFlow, window by window:
 * correction[rows, window] = errors[rows, columns before it] U[columns before it, window].
 */
export class DeviceUpdates {
  readonly windows: readonly Window[];
  readonly #pool: KernelPool;
  readonly #jobs: readonly LoopJob[];
  readonly #upper: tf.Tensor2D;
  /** Of all matrices together, each padded to whole strips. */
  readonly #rows: number;
  /** Pointer to room for a window's errors or corrections, [rows, columns of the window]. */
  readonly #staging: number;
  /** Errors of the windows that are done, but for the last one, [rows, columns]. */
  #errors: tf.Tensor2D | undefined;
  /** Errors of the window done last. */
  #last: tf.Tensor2D | undefined;
  /** The correction of a window by all errors but those of the window before it. */
  #prepared: tf.Tensor2D | undefined;

  /** Allocates in the pool's arena; the caller's mark owns it. The factor stays the caller's. @param blocks of a window */
  constructor(pool: KernelPool, factor: DeviceFactor, jobs: readonly LoopJob[], blocks: number) {
    this.#pool = pool;
    this.#jobs = jobs;
    this.#upper = factor.upper;
    this.#rows = jobs.reduce((sum, { input }) => sum + roundUp(input.rows, STRIP), 0);
    this.windows = windowsOf(pool, factor, blocks);
    this.#staging = this.windows.length > 1 ? pool.arena.allocate(this.#rows * blocks * BLOCK * 4) : 0;
  }

  /** Begins the correction of a window, while the window before it is not done yet. */
  prepare(next: Window): void {
    const last = this.#last;
    if (last === undefined) return;
    const before = this.#errors;
    const errors = before === undefined ? last : tf.concat2d([before, last], 1);
    if (before !== undefined) tf.dispose([before, last]);
    this.#errors = errors;
    this.#last = undefined;
    const blocks = errors.shape[1] / BLOCK;
    this.#prepared = tf.tidy(() => tf.matMul<tf.Tensor2D>(errors, this.#carrying(0, blocks, next)));
  }

  /** Takes the errors of a window that is done, and corrects the next one in the kernels' memory. */
  apply(done: Window, next: Window): void {
    const prepared = this.#prepared;
    const { errors, correction } = tf.tidy(() => {
      const errors = this.#errorsOf(done);
      const ofWindow = tf.matMul<tf.Tensor2D>(errors, this.#carrying(done.first, next.first, next));
      return {
        errors,
        correction: prepared === undefined ? ofWindow : tf.add<tf.Tensor2D>(prepared, ofWindow),
      };
    });
    prepared?.dispose();
    this.#prepared = undefined;
    this.#last = errors;
    try {
      this.#correct(next, correction);
    } finally {
      correction.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.#errors ?? [], this.#last ?? [], this.#prepared ?? []]);
  }

  /** U's rows of the blocks [from, to), its columns of a window. */
  #carrying(from: number, to: number, window: Window): tf.Tensor2D {
    return tf.slice(
      this.#upper,
      [from * BLOCK, window.first * BLOCK],
      [(to - from) * BLOCK, window.paddedColumns],
    );
  }

  /** What a window left over in all matrices, [rows, its columns]. */
  #errorsOf(window: Window): tf.Tensor2D {
    this.#eachJob('windowToRows', window);
    const values = this.#pool.arena.floats(this.#staging, this.#rows * window.paddedColumns).slice();
    return tf.tensor2d(values, [this.#rows, window.paddedColumns]);
  }

  /** Puts a window's correction, [rows, its columns], where the kernels begin from it. */
  #correct(window: Window, correction: tf.Tensor2D): void {
    const values = correction.dataSync<'float32'>();
    this.#pool.arena.floats(this.#staging, values.length).set(values);
    this.#eachJob('rowsToWindow', window);
  }

  #eachJob(kernel: 'windowToRows' | 'rowsToWindow', { first, blocks, paddedColumns }: Window): void {
    const { arena } = this.#pool;
    let row = 0;
    for (const { error, input } of this.#jobs) {
      const rows = roundUp(input.rows, STRIP);
      const mark = arena.mark();
      const args = arena.words([
        error + 4 * first * BLOCK * rows,
        this.#staging + 4 * row * paddedColumns,
        rows / STRIP,
        blocks,
      ]);
      this.#pool.runTiles(kernel, args, rows / STRIP);
      arena.release(mark);
      row += rows;
    }
  }
}

/** Takes what the kernels need of a factor into their memory, a window after the other. */
function windowsOf({ arena }: KernelPool, { upper, d, paddedColumns }: DeviceFactor, most: number): Window[] {
  const all = paddedColumns / BLOCK;
  return Array.from({ length: Math.ceil(all / most) }, (_, window) => {
    const first = window * most;
    const blocks = Math.min(most, all - first);
    const [start, columns] = [first * BLOCK, blocks * BLOCK];
    // Panels: [block of rows][block of columns][panel][row][column of the panel].
    const panels = tf.tidy(() => {
      const within = tf.slice(upper, [start, start], [columns, columns]);
      const split = tf.reshape(within, [blocks, BLOCK, blocks, BLOCK / PANEL, PANEL]);
      return tf.transpose(split, [0, 2, 3, 1, 4]);
    });
    try {
      return {
        first,
        blocks,
        paddedColumns: columns,
        panels: arena.copyFloats(panels.dataSync<'float32'>()),
        d: arena.copyDoubles(d.subarray(start, start + columns)),
      };
    } finally {
      panels.dispose();
    }
  });
}

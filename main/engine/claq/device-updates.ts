import * as tf from '@tensorflow/tfjs-core';
import type { Arena } from '../kernels/arena.ts';
import { BLOCK, PANEL, STRIP, roundUp } from '../kernels/layout.ts';
import { tensorflowInUse } from '../tensors/tensorflow/tensorflow-backend.ts';
import type { HessianFactor } from './factor.ts';
import type { LoopJob } from './loop-job.ts';

/** Blocks of columns that the kernels finish between two of TensorFlow's products. */
export const WINDOW_BLOCKS = 4;

/**
 * Multiplications behind the windows from which on TensorFlow's products make up for carrying the errors there and back:
 * some 2048 x 2048 (npm run bench:loop -- --size 2048). A constant, not a measurement at each start: it decides the bytes.
 */
const SMALLEST_UPDATES = 2 ** 32;

/** Whether the updates of matrices with so many rows together are faster by TensorFlow. */
export function paysOnDevice(rows: number, columns: number): boolean {
  const behind = Math.max(0, columns - WINDOW_BLOCKS * BLOCK);
  return tensorflowInUse() !== undefined && (rows * columns * behind) / 2 >= SMALLEST_UPDATES;
}

/**
 * The errors of the quantized columns of a group's matrices, carried to the columns behind by TensorFlow:
 * correction[rows, window] = errors[rows, columns before it] U[columns before it, window].
 */
export class DeviceUpdates {
  readonly #arena: Arena;
  readonly #jobs: readonly LoopJob[];
  readonly #blocks: number;
  /** U, [padded columns, padded columns]; below its blocks on the diagonal stands anything. */
  readonly #factor: tf.Tensor2D;
  /** Errors of the windows that are done, but for the last one, [padded rows of all matrices, columns]. */
  #errors: tf.Tensor2D | undefined;
  /** Errors of the window done last. */
  #last: tf.Tensor2D | undefined;
  /** The correction of a window by all errors but those of the window before it. */
  #prepared: tf.Tensor2D | undefined;

  constructor(arena: Arena, factor: HessianFactor, jobs: readonly LoopJob[]) {
    const { paddedColumns } = factor;
    const blocks = paddedColumns / BLOCK;
    this.#arena = arena;
    this.#jobs = jobs;
    this.#blocks = blocks;
    // Panels: [block of rows][block of columns][panel][row][column of the panel].
    const panels = arena.floats(factor.panels, paddedColumns * paddedColumns).slice();
    this.#factor = tf.tidy(() => {
      const stored = tf.tensor(panels, [blocks, blocks, BLOCK / PANEL, BLOCK, PANEL]);
      return tf.reshape<tf.Rank.R2>(tf.transpose(stored, [0, 3, 1, 2, 4]), [paddedColumns, paddedColumns]);
    });
  }

  /** Begins the correction of the window at block `next`, while the window before it is not done yet. */
  prepare(next: number): void {
    const last = this.#last;
    if (last === undefined) return;
    const before = this.#errors;
    const errors = before === undefined ? last : tf.concat2d([before, last], 1);
    if (before !== undefined) tf.dispose([before, last]);
    this.#errors = errors;
    this.#last = undefined;
    this.#prepared = tf.tidy(() =>
      tf.matMul<tf.Tensor2D>(errors, this.#factorBlocks(0, errors.shape[1] / BLOCK, next)),
    );
  }

  /** Takes the errors of the window `first` .. `next`, which is done, and corrects the one at `next` in the kernels' memory. */
  apply(first: number, next: number): void {
    const prepared = this.#prepared;
    const { window, correction } = tf.tidy(() => {
      const window = this.#errorsOf(first, next - first);
      const ofWindow = tf.matMul<tf.Tensor2D>(window, this.#factorBlocks(first, next, next));
      return { window, correction: prepared === undefined ? ofWindow : tf.add<tf.Tensor2D>(prepared, ofWindow) };
    });
    prepared?.dispose();
    this.#prepared = undefined;
    this.#last = window;
    try {
      this.#writeCorrection(correction, next);
    } finally {
      correction.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.#factor, this.#errors ?? [], this.#last ?? [], this.#prepared ?? []]);
  }

  /** Blocks that the window at `first` has. */
  #windowBlocks(first: number): number {
    return Math.min(WINDOW_BLOCKS, this.#blocks - first);
  }

  /** U's rows of the blocks [from, to), its columns of the window at `window`. */
  #factorBlocks(from: number, to: number, window: number): tf.Tensor2D {
    const size: [number, number] = [(to - from) * BLOCK, this.#windowBlocks(window) * BLOCK];
    return tf.slice(this.#factor, [from * BLOCK, window * BLOCK], size);
  }

  /** What the window left over in all matrices, [padded rows, its columns], out of the kernels' layout. */
  #errorsOf(first: number, blocks: number): tf.Tensor2D {
    const parts = this.#jobs.map(({ error, input }) => {
      const strips = roundUp(input.rows, STRIP) / STRIP;
      const floats = strips * STRIP * BLOCK;
      const values = this.#arena.floats(error + 4 * first * floats, blocks * floats).slice();
      const byStrip = tf.transpose(tf.tensor4d(values, [blocks, strips, BLOCK, STRIP]), [1, 3, 0, 2]);
      return tf.reshape<tf.Rank.R2>(byStrip, [strips * STRIP, blocks * BLOCK]);
    });
    return tf.concat2d(parts, 0);
  }

  /** Puts a window's correction, [padded rows, its columns], where the kernels begin from it. */
  #writeCorrection(correction: tf.Tensor2D, first: number): void {
    const blocks = this.#windowBlocks(first);
    let row = 0;
    for (const { error, input } of this.#jobs) {
      const rows = roundUp(input.rows, STRIP);
      const blocked = tf.tidy(() => {
        const own = tf.slice(correction, [row, 0], [rows, blocks * BLOCK]);
        const byStrip = tf.reshape<tf.Rank.R4>(own, [rows / STRIP, STRIP, blocks, BLOCK]);
        return tf.transpose(byStrip, [2, 0, 3, 1]);
      });
      const values = blocked.dataSync<'float32'>();
      blocked.dispose();
      this.#arena.floats(error + 4 * first * BLOCK * rows, values.length).set(values);
      row += rows;
    }
  }
}

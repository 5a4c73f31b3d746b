import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, PANEL, STRIP, roundUp } from '../kernels/layout.ts';
import type { DeviceFactor } from './device-factor.ts';
import type { FactorPart, LoopJob } from './loop-job.ts';

/** Some blocks of columns, and what the kernels need of the factor to quantize them. */
export interface Stretch extends FactorPart {
  readonly blocks: number;
}

/**
 * The errors of the quantized columns of a group's matrices, carried to the columns behind by TensorFlow, stretch by stretch:
 * correction[rows, stretch] = errors[rows, columns before it] U[columns before it, stretch].
 */
export class DeviceUpdates {
  readonly stretches: readonly Stretch[];
  readonly #pool: KernelPool;
  readonly #jobs: readonly LoopJob[];
  readonly #upper: tf.Tensor2D;
  /** Of all matrices together, each padded to whole strips. */
  readonly #rows: number;
  /** Pointer to room for a stretch's errors or corrections, [rows, columns of the stretch]. */
  readonly #staging: number;
  /** Errors of the stretches that are done, but for the last one, [rows, columns]. */
  #errors: tf.Tensor2D | undefined;
  /** Errors of the stretch done last. */
  #last: tf.Tensor2D | undefined;
  /** The correction of a stretch by all errors but those of the stretch before it. */
  #prepared: tf.Tensor2D | undefined;
  /** What the columns have to make up for before any of them is quantized, [rows, columns]. */
  #initial: tf.Tensor2D | undefined;

  /** Allocates in the pool's arena; the caller's mark owns it. The factor stays the caller's. @param blocks of a stretch */
  constructor(
    pool: KernelPool,
    factor: Pick<DeviceFactor, 'upper' | 'd' | 'paddedColumns'>,
    jobs: readonly LoopJob[],
    blocks: number,
  ) {
    this.#pool = pool;
    this.#jobs = jobs;
    this.#upper = factor.upper;
    this.#rows = jobs.reduce((sum, { input }) => sum + roundUp(input.rows, STRIP), 0);
    this.stretches = stretchesOf(pool, factor, blocks);
    this.#staging = pool.arena.allocate(this.#rows * blocks * BLOCK * 4);
  }

  /**
   * Begins anew: gives all columns something to make up for before the first of them is quantized.
   * @param corrections [rows, columns]; from then on this side's
   */
  startFrom(corrections: tf.Tensor2D): void {
    this.dispose();
    this.#initial = corrections;
    const [first] = this.stretches;
    if (first === undefined) return;
    const ofFirst = this.#initialOf(first);
    try {
      this.#correct(first, ofFirst);
    } finally {
      ofFirst.dispose();
    }
  }

  /** The errors of all columns, which are done, [rows, columns]: the caller's. */
  errors(): tf.Tensor2D {
    const parts = this.stretches.map((stretch) => this.#errorsOf(stretch));
    const errors = tf.concat2d(parts, 1);
    tf.dispose(parts);
    return errors;
  }

  /** Begins the correction of a stretch, while the stretch before it is not done yet. */
  prepare(next: Stretch): void {
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

  /** Takes the errors of a stretch that is done, and corrects the next one in the kernels' memory. */
  apply(done: Stretch, next: Stretch): void {
    const prepared = this.#prepared;
    const { errors, correction } = tf.tidy(() => {
      const errors = this.#errorsOf(done);
      const ofStretch = tf.matMul<tf.Tensor2D>(errors, this.#carrying(done.first, next.first, next));
      const before = prepared === undefined ? ofStretch : tf.add<tf.Tensor2D>(prepared, ofStretch);
      const correction =
        this.#initial === undefined ? before : tf.add<tf.Tensor2D>(before, this.#initialOf(next));
      return { errors, correction };
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
    tf.dispose([this.#errors ?? [], this.#last ?? [], this.#prepared ?? [], this.#initial ?? []]);
    this.#errors = this.#last = this.#prepared = this.#initial = undefined;
  }

  #initialOf({ first, paddedColumns }: Stretch): tf.Tensor2D {
    const initial = this.#initial;
    if (initial === undefined) throw new Error('nothing to start from');
    return tf.slice(initial, [0, first * BLOCK], [this.#rows, paddedColumns]);
  }

  /** U's rows of the blocks [from, to), its columns of a stretch. */
  #carrying(from: number, to: number, stretch: Stretch): tf.Tensor2D {
    return tf.slice(
      this.#upper,
      [from * BLOCK, stretch.first * BLOCK],
      [(to - from) * BLOCK, stretch.paddedColumns],
    );
  }

  /** What a stretch left over in all matrices, [rows, its columns]. */
  #errorsOf(stretch: Stretch): tf.Tensor2D {
    this.#eachJob('stretchToRows', stretch);
    const values = this.#pool.arena.floats(this.#staging, this.#rows * stretch.paddedColumns).slice();
    return tf.tensor2d(values, [this.#rows, stretch.paddedColumns]);
  }

  /** Puts a stretch's correction, [rows, its columns], where the kernels begin from it. */
  #correct(stretch: Stretch, correction: tf.Tensor2D): void {
    const values = correction.dataSync<'float32'>();
    this.#pool.arena.floats(this.#staging, values.length).set(values);
    this.#eachJob('rowsToStretch', stretch);
  }

  #eachJob(kernel: 'stretchToRows' | 'rowsToStretch', { first, blocks, paddedColumns }: Stretch): void {
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

/** Takes what the kernels need of a factor into their memory, a stretch after the other. */
function stretchesOf(
  { arena }: KernelPool,
  { upper, d, paddedColumns }: Pick<DeviceFactor, 'upper' | 'd' | 'paddedColumns'>,
  most: number,
): Stretch[] {
  const all = paddedColumns / BLOCK;
  return Array.from({ length: Math.ceil(all / most) }, (_, stretch) => {
    const first = stretch * most;
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

import * as tf from '@tensorflow/tfjs-core';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, PANEL, STRIP, roundUp } from '../kernels/layout.ts';
import { type CarryPrecision, carryProduct } from '../tensors/carry-product.ts';
import type { DeviceFactor } from './device-factor.ts';
import type { FactorPart, LoopJob } from './loop-job.ts';

/** Some blocks of columns, and what the kernels need of the factor to quantize them. */
export interface Stretch extends FactorPart {
  readonly blocks: number;
}

export interface DeviceUpdatesOptions {
  /** Blocks of a stretch. */
  readonly blocks: number;
  /** Of the products. */
  readonly precision: CarryPrecision;
}

/** Errors of columns that are quantized, from a column on, [rows, columns]. */
interface DoneColumns {
  readonly first: number;
  readonly errors: tf.Tensor2D;
  /** They stand in the kernels' memory still. */
  readonly isStaged: boolean;
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
  readonly #precision: CarryPrecision;
  /** Of all matrices together, each padded to whole strips. */
  readonly #rows: number;
  /** Pointers to room for the errors of two stretches in turn, [rows, columns of a stretch]; of one stretch, the same twice. */
  readonly #stagedErrors: readonly [even: number, odd: number];
  /** Pointer to room for a stretch's correction; of one stretch, where its errors go afterwards. */
  readonly #stagedCorrection: number;
  /** Of the stretches that are done; the last one or two are staged. */
  readonly #done: DoneColumns[] = [];
  /** The correction of a stretch by all errors but those of the stretch before it. */
  #prepared: tf.Tensor2D | undefined;
  /** What the columns have to make up for before any of them is quantized, [rows, columns]. */
  #initial: tf.Tensor2D | undefined;

  /** Allocates in the pool's arena; the caller's mark owns it. The factor stays the caller's. */
  constructor(
    pool: KernelPool,
    factor: Pick<DeviceFactor, 'upper' | 'd' | 'paddedColumns'>,
    jobs: readonly LoopJob[],
    { blocks, precision }: DeviceUpdatesOptions,
  ) {
    this.#pool = pool;
    this.#jobs = jobs;
    this.#upper = factor.upper;
    this.#precision = precision;
    this.#rows = jobs.reduce((sum, { input }) => sum + roundUp(input.rows, STRIP), 0);
    this.stretches = stretchesOf(pool, factor, blocks);
    const staging = (): number => pool.arena.allocate(this.#rows * blocks * BLOCK * 4);
    const even = staging();
    const several = this.stretches.length > 1;
    this.#stagedErrors = [even, several ? staging() : even];
    this.#stagedCorrection = several ? staging() : even;
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
    const [staging] = this.#stagedErrors;
    const parts = this.stretches.map((stretch) => {
      const values = this.#stagedErrorsOf(stretch, staging).slice();
      return tf.tensor2d(values, [this.#rows, stretch.paddedColumns]);
    });
    const errors = tf.concat2d(parts, 1);
    tf.dispose(parts);
    return errors;
  }

  /** Begins the correction of a stretch, while the stretch before it is not done yet. */
  prepare(next: Stretch): void {
    this.#takeStaged();
    for (const done of this.#done) {
      const before = this.#prepared;
      this.#prepared = tf.tidy(() => {
        const correction = this.#carried(done, next);
        return before === undefined ? correction : tf.add<tf.Tensor2D>(before, correction);
      });
      before?.dispose();
    }
  }

  /** Takes the errors of a stretch that is done, and corrects the next one in the kernels' memory. */
  apply(done: Stretch, next: Stretch): void {
    const last = this.#stage(done);
    this.#done.push(last);
    const prepared = this.#prepared;
    const correction = tf.tidy(() => {
      const ofLast = this.#carried(last, next);
      const before = prepared === undefined ? ofLast : tf.add<tf.Tensor2D>(prepared, ofLast);
      return this.#initial === undefined ? before : tf.add<tf.Tensor2D>(before, this.#initialOf(next));
    });
    prepared?.dispose();
    this.#prepared = undefined;
    try {
      this.#correct(next, correction);
    } finally {
      correction.dispose();
    }
  }

  dispose(): void {
    tf.dispose([this.#done.map(({ errors }) => errors), this.#prepared ?? [], this.#initial ?? []]);
    this.#done.length = 0;
    this.#prepared = this.#initial = undefined;
  }

  #initialOf({ first, paddedColumns }: Stretch): tf.Tensor2D {
    const initial = this.#initial;
    if (initial === undefined) throw new Error('nothing to start from');
    return tf.slice(initial, [0, first * BLOCK], [this.#rows, paddedColumns]);
  }

  /** What the columns of a stretch make up for of errors before it. */
  #carried({ first, errors }: DoneColumns, { first: block, paddedColumns }: Stretch): tf.Tensor2D {
    return tf.tidy(() => {
      const carrying = tf.slice(this.#upper, [first, block * BLOCK], [errors.shape[1], paddedColumns]);
      return carryProduct(errors, carrying, this.#precision);
    });
  }

  /** What a stretch left over, where the kernels are until those of the one after the next take its place. */
  #stage(stretch: Stretch): DoneColumns {
    this.#takeStaged();
    const [even, odd] = this.#stagedErrors;
    const isOdd = this.#done.at(-1)?.isStaged === true;
    const values = this.#stagedErrorsOf(stretch, isOdd ? odd : even);
    const errors = tf.tensor2d(values, [this.#rows, stretch.paddedColumns]);
    return { first: stretch.first * BLOCK, errors, isStaged: true };
  }

  /** Takes the errors of two stretches into the backend's memory, once both are staged: one product carries both from then on. */
  #takeStaged(): void {
    const [before, last] = this.#done.slice(-2);
    if (before === undefined || last === undefined || !before.isStaged) return;
    const errors = tf.concat2d([before.errors, last.errors], 1);
    tf.dispose([before.errors, last.errors]);
    this.#done.splice(-2, 2, { first: before.first, errors, isStaged: false });
  }

  /** What a stretch left over in all matrices, [rows, its columns], in the kernels' memory. @param staging where */
  #stagedErrorsOf(stretch: Stretch, staging: number): Float32Array {
    this.#eachJob('stretchToRows', stretch, staging);
    return this.#pool.arena.floats(staging, this.#rows * stretch.paddedColumns);
  }

  /** Puts a stretch's correction, [rows, its columns], where the kernels begin from it. */
  #correct(stretch: Stretch, correction: tf.Tensor2D): void {
    const values = correction.dataSync<'float32'>();
    this.#pool.arena.floats(this.#stagedCorrection, values.length).set(values);
    this.#eachJob('rowsToStretch', stretch, this.#stagedCorrection);
  }

  #eachJob(
    kernel: 'stretchToRows' | 'rowsToStretch',
    { first, blocks, paddedColumns }: Stretch,
    staging: number,
  ): void {
    const { arena } = this.#pool;
    let row = 0;
    for (const { error, input } of this.#jobs) {
      const rows = roundUp(input.rows, STRIP);
      const mark = arena.mark();
      const args = arena.words([
        error + 4 * first * BLOCK * rows,
        staging + 4 * row * paddedColumns,
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

import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import { carryPrecision } from '../tensors/carry-product.ts';
import { DeviceUpdates } from './device-updates.ts';
import type { HessianFactor } from './factor.ts';
import type { FactoredColumns } from './factored-columns.ts';
import { runsThatFit } from './kernel-memory.ts';
import type { ColumnLoopOptions, LoopInput } from './loop-input.ts';
import { type LoopJob, collect, layOut } from './loop-job.ts';
import { quantizeBlocks, quantizeStretches } from './quantize-stretches.ts';
import type { QuantizedMatrix } from './quantized-matrix.ts';
import { stretchBlocks } from './stretch-blocks.ts';
import { sweepColumns } from './sweeps.ts';

/**
 * The error-compensating column loop (GPTQ in its LDLQ form, CLAQ's codebooks): quantizes the matrices of a group side by
 * side, as many as fit into memory. Column by column in the factor's order: fit a codebook to the current column, assign, and
 * let the columns behind make up for what is lost. In large matrices TensorFlow's products carry the errors over long ways, where it is there. The
 * bytes of the result do not depend on the number of threads. Throws ClaqError run/cancelled, between matrices that do not fit
 * together and between stretches.
 */
export async function quantizeColumns(
  pool: KernelPool,
  factor: HessianFactor,
  inputs: readonly LoopInput[],
  options: ColumnLoopOptions,
  signal?: AbortSignal,
): Promise<QuantizedMatrix[]> {
  const quantized: QuantizedMatrix[] = [];
  for (const run of runsThatFit(inputs, factor)) {
    throwIfCancelled(signal);
    quantized.push(...(await quantizeTogether(pool, factor, run, options, signal)));
  }
  return quantized;
}

async function quantizeTogether(
  pool: KernelPool,
  factor: HessianFactor,
  inputs: readonly LoopInput[],
  options: ColumnLoopOptions,
  signal: AbortSignal | undefined,
): Promise<QuantizedMatrix[]> {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    pool.allocateScratch(Math.max(...inputs.map((input) => input.rows)));
    const jobs: LoopJob[] = [];
    for (const input of inputs) {
      const job = layOut(arena, factor, input, options);
      await arrangeWeights(pool, factor, job);
      jobs.push(job);
    }
    const rows = jobs.reduce((sum, { input }) => sum + input.rows, 0);
    const stretch = options.stretch ?? stretchBlocks(rows, factor.columns);
    if (factor.home === 'kernels') {
      await quantizeBlocks(pool, { first: 0, ...factor }, jobs, factor.paddedColumns / BLOCK);
    } else {
      const beforeUpdates = arena.mark();
      const updates = new DeviceUpdates(pool, factor, jobs, {
        blocks: stretch,
        precision: options.carryPrecision ?? carryPrecision(),
      });
      try {
        await quantizeStretches(pool, updates, jobs, { compensate: options.compensate, signal });
      } finally {
        updates.dispose();
        arena.release(beforeUpdates);
      }
    }
    if (options.sweeps === undefined) return jobs.map((job) => collect(arena, factor, job));
    const { count, couplings } = options.sweeps;
    // Without TensorFlow the products between stretches are the kernels' own, which are busy meanwhile.
    const all = factor.paddedColumns / BLOCK;
    const losses = await sweepColumns(pool, couplings, jobs, {
      sweeps: count,
      stretch: factor.home === 'kernels' ? all : stretch,
      signal,
    });
    return jobs.map((job, i) => ({ ...collect(arena, factor, job), loss: losses[i] ?? NaN }));
  } finally {
    arena.release(mark);
  }
}

/** Bytes of weights that are copied into the kernels' memory at a time. */
const COPIED_BYTES = 32 * 2 ** 20;

/** Brings a matrix's weights into the blocked layout, some rows at a time; nothing is to be made up for yet. */
async function arrangeWeights(
  pool: KernelPool,
  { columns, order, dead }: FactoredColumns,
  { input, original, error }: LoopJob,
): Promise<void> {
  const { arena } = pool;
  const { rows, weights } = input;
  const mark = arena.mark();
  const positions = arena.copyInts(order);
  const deadColumns = arena.copyBytes(dead);
  // Two halves: the kernels arrange what stands in one while the other is filled.
  const chunk = Math.min(roundUp(COPIED_BYTES / 2 / 4 / columns, STRIP), roundUp(rows, STRIP));
  const first = arena.allocate(4 * chunk * columns);
  const second = chunk < rows ? arena.allocate(4 * chunk * columns) : first;
  let arranged = Promise.resolve();
  try {
    for (let row = 0; row < rows; row += chunk) {
      const end = Math.min(row + chunk, rows);
      const source = (row / chunk) % 2 === 0 ? first : second;
      arena.floats(source, (end - row) * columns).set(weights.subarray(row * columns, end * columns));
      const args = arena.words([source, original, rows, columns, positions, deadColumns, row / STRIP, error]);
      await arranged;
      arranged = pool.runTilesAsync('arrangeWeights', args, Math.ceil((end - row) / STRIP));
    }
  } finally {
    await arranged;
  }
  arena.release(mark);
}

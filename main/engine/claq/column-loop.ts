import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import { DeviceUpdates, WINDOW_BLOCKS, paysOnDevice } from './device-updates.ts';
import type { HessianFactor } from './factor.ts';
import type { ColumnLoopOptions, LoopInput } from './loop-input.ts';
import { type LoopJob, collect, kernelArguments, layOut } from './loop-job.ts';
import type { QuantizedMatrix } from './quantized-matrix.ts';
import { tensorErrors } from '../tensors/tensor-errors.ts';
import { span } from '../trace.ts';

/**
 * The error-compensating column loop (GPTQ in its LDLQ form, CLAQ's codebooks): quantizes the matrices of a group side by
 * side. Column by column in the factor's order: fit a codebook to the current column, assign, and let the columns behind
 * make up for what is lost. The bytes of the result do not depend on the number of threads.
 */
export async function quantizeColumns(
  pool: KernelPool,
  factor: HessianFactor,
  inputs: readonly LoopInput[],
  options: ColumnLoopOptions,
): Promise<QuantizedMatrix[]> {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    pool.allocateScratch(Math.max(...inputs.map((input) => input.rows)));
    const order = arena.copyInts(factor.order);
    const dead = arena.copyBytes(factor.dead);
    const jobs: LoopJob[] = [];
    for (const input of inputs) {
      const job = layOut(arena, factor, input, options);
      const source = arena.mark();
      const matrix = arena.copyFloats(input.weights);
      const args = arena.words([matrix, job.original, input.rows, factor.columns, order, dead]);
      await pool.runTilesAsync('arrangeWeights', args, roundUp(input.rows, STRIP) / STRIP);
      arena.release(source);
      arena.floats(job.error, job.floats).fill(0);
      jobs.push(job);
    }
    if (options.compensate && (options.updates ?? updatesOf(factor, inputs)) === 'device')
      await tensorErrors(() => quantizeInWindows(pool, factor, jobs));
    else await quantizeBlocks(pool, factor, jobs, 0, factor.paddedColumns / BLOCK);
    return jobs.map((job) => collect(arena, factor, job));
  } finally {
    arena.release(mark);
  }
}

/** Runs the kernels over some blocks of columns of all matrices; updates reach as far as these blocks. */
async function quantizeBlocks(
  pool: KernelPool,
  factor: HessianFactor,
  jobs: readonly LoopJob[],
  first: number,
  blocks: number,
): Promise<void> {
  await pool.runPipelines(
    'quantize',
    jobs.map((job) => kernelArguments(pool.arena, factor, job, first)),
    jobs.map(() => blocks),
  );
}

function updatesOf(factor: HessianFactor, inputs: readonly LoopInput[]): 'kernels' | 'device' {
  const rows = inputs.reduce((sum, input) => sum + input.rows, 0);
  return paysOnDevice(rows, factor.columns) ? 'device' : 'kernels';
}

/**
 * Window by window of some blocks: the kernels quantize a window, and what it left over reaches the windows behind in one
 * product of TensorFlow's. While the kernels are at a window, the windows before it are made up for in the one behind it.
 */
async function quantizeInWindows(
  pool: KernelPool,
  factor: HessianFactor,
  jobs: readonly LoopJob[],
): Promise<void> {
  const updates = new DeviceUpdates(pool.arena, factor, jobs);
  try {
    const blocks = factor.paddedColumns / BLOCK;
    for (let first = 0; first < blocks; first += WINDOW_BLOCKS) {
      const count = Math.min(WINDOW_BLOCKS, blocks - first);
      const next = first + count;
      const quantized = quantizeBlocks(pool, factor, jobs, first, count);
      try {
        if (next < blocks) span('tensors', 'prepare the next window', () => updates.prepare(next));
      } finally {
        await quantized;
      }
      if (next < blocks) span('tensors', 'carry errors over', () => updates.apply(first, next));
    }
  } finally {
    updates.dispose();
  }
}

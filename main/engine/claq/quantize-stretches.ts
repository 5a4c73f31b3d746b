/** The kernels' part of the column loop, and the tensor backend's between its stretches. */
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { span } from '../trace.ts';
import type { DeviceUpdates } from './device-updates.ts';
import { type FactorPart, type LoopJob, kernelArguments } from './loop-job.ts';

/** Runs the kernels over some blocks of columns of all matrices; updates reach as far as these blocks. */
export async function quantizeBlocks(
  pool: KernelPool,
  part: FactorPart,
  jobs: readonly LoopJob[],
  blocks: number,
): Promise<void> {
  await pool.runPipelines(
    'quantize',
    jobs.map((job) => kernelArguments(pool.arena, part, job)),
    jobs.map(() => blocks),
  );
}

export interface StretchOptions {
  readonly compensate: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Stretch by stretch of some blocks: the kernels quantize a stretch, and what it left over reaches the stretches behind in one
 * product of the backend's. While the kernels are at a stretch, the stretches before it are made up for in the one behind it.
 * Where a stretch has all blocks, the kernels do everything.
 */
export async function quantizeStretches(
  pool: KernelPool,
  updates: DeviceUpdates,
  jobs: readonly LoopJob[],
  { compensate, signal }: StretchOptions,
): Promise<void> {
  for (const [i, stretch] of updates.stretches.entries()) {
    throwIfCancelled(signal);
    const next = compensate ? updates.stretches[i + 1] : undefined;
    const quantized = quantizeBlocks(pool, stretch, jobs, stretch.blocks);
    try {
      if (next !== undefined) span('tensors', 'prepare the next stretch', () => updates.prepare(next));
    } finally {
      await quantized;
    }
    if (next !== undefined) span('tensors', 'carry errors over', () => updates.apply(stretch, next));
  }
}

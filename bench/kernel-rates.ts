/** Rates of the SIMD kernels: of one thread that works alone, and of what all threads do together. */
import { measureColumnErrors } from '../main/engine/claq/benefit.ts';
import { quantizeColumns } from '../main/engine/claq/column-loop.ts';
import { type KernelFactor, factorHessian } from '../main/engine/claq/factor.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import type { ColumnLoopOptions, LoopInput } from '../main/engine/claq/loop-input.ts';
import type { QuantizedMatrix } from '../main/engine/claq/quantized-matrix.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { BLOCK, STRIP } from '../main/engine/kernels/layout.ts';
import { endTrace, startTrace } from '../main/engine/trace.ts';
import { type Budget, planByOrder, singlePrecision } from '../shared/budget.ts';
import { DAMPING } from './device-rates.ts';
import type { KernelRates } from './rates.ts';
import type { RateSamples } from './rate-samples.ts';
import { syntheticWeights } from './synthetic-matrix.ts';

const OPTIONS: ColumnLoopOptions = { codebookFit: 'kept', clustering: 'optimal', compensate: true, seed: 10 };

/** A matrix on which updates outweigh codebooks; its rows are among those at which columns are measured. */
export const UPDATED_ROWS = 2048;
const UPDATED_COLUMNS = 24 * BLOCK;
/** Columns whose errors are measured. */
const PLANNED_COLUMNS = 32;
const FACTORED_COLUMNS = [512, 1536];
/** Blocks of a window whose errors are taken out of the kernels' layout. */
const STAGED_BLOCKS = 4;

export interface KernelPools {
  readonly all: KernelPool;
  /** One thread. */
  readonly one: KernelPool;
}

/**
 * @param rows of the matrices, UPDATED_ROWS among them
 * @returns a quantized matrix, for what comes behind
 */
export async function measureKernels(
  samples: RateSamples,
  { all, one }: KernelPools,
  budget: Budget,
  rows: readonly number[],
): Promise<QuantizedMatrix> {
  for (const each of rows) {
    for (const width of widthsOf(budget)) {
      const seconds = await blockSeconds(one, each, { ...budget, precision: singlePrecision(width) }, 1);
      samples.add(`columns of ${width} bits`, each, BLOCK, seconds);
    }
    await measurePlanning(samples, one, budget, each);
  }
  const alone = await blockSeconds(one, UPDATED_ROWS, budget, 1);
  const crowded = await blockSeconds(all, UPDATED_ROWS, budget, all.threads);
  samples.add('crowding', 1, alone, crowded);
  for (const columns of FACTORED_COLUMNS) await measureFactor(samples, all, columns);
  await measureStaging(samples, all);
  return await measureLoop(samples, one, budget);
}

export function kernelRates(samples: RateSamples, budget: Budget): KernelRates {
  const columns = new Map(
    widthsOf(budget).map((width) => [width, samples.curve(`columns of ${width} bits`)]),
  );
  return {
    columns,
    planning: samples.curve('planning'),
    updates: samples.rate('updates'),
    factor: samples.curve('kernel factor'),
    crowding: Math.max(1, 1 / samples.rate('crowding')),
    staging: samples.rate('staging'),
  };
}

function widthsOf({ precision: { low, high } }: Budget): number[] {
  return low === high ? [low] : [low, high];
}

/** Seconds that the threads take for one block of some matrices side by side: codebooks, codes, updates within the block. */
async function blockSeconds(
  pool: KernelPool,
  rows: number,
  budget: Budget,
  matrices: number,
): Promise<number> {
  const weights = syntheticWeights(rows, BLOCK, 1);
  const inputs = Array.from({ length: matrices }, () => loopInput(weights, rows, BLOCK, budget));
  const times: number[] = [];
  await withFactor(pool, BLOCK, async (factor) => {
    for (let run = 0; run < 4; run++) {
      startTrace();
      await quantizeColumns(pool, factor, inputs, OPTIONS);
      times.push(secondsOf('quantize'));
    }
  });
  // The first run is not counted.
  return Math.min(...times.slice(1));
}

/** A whole loop: what updates take beyond the columns, and what the engine's thread does before and after the kernels. */
async function measureLoop(samples: RateSamples, pool: KernelPool, budget: Budget): Promise<QuantizedMatrix> {
  const [rows, columns] = [UPDATED_ROWS, UPDATED_COLUMNS];
  const weights = syntheticWeights(rows, columns, 1);
  const input = loopInput(weights, rows, columns, budget);
  return await withFactor(pool, columns, async (factor) => {
    const own = (columns / BLOCK) * (await blockSeconds(pool, rows, budget, 1));
    startTrace();
    const start = performance.now();
    const [matrix] = await quantizeColumns(pool, factor, [input], OPTIONS);
    const whole = (performance.now() - start) / 1000;
    const loop = secondsOf('quantize');
    if (matrix === undefined) throw new Error('the loop gave no matrix');
    const blocks = columns / BLOCK;
    const flops = ((blocks * (blocks - 1)) / 2) * 2 * rows * BLOCK ** 2;
    samples.add('updates', 1, flops, Math.max(loop - own, 0.1 * loop));
    samples.add('layout', 1, rows * columns, whole - loop);
    return matrix;
  });
}

async function measurePlanning(
  samples: RateSamples,
  pool: KernelPool,
  budget: Budget,
  rows: number,
): Promise<void> {
  const weights = syntheticWeights(rows, PLANNED_COLUMNS, 1);
  for (let run = 0; run < 2; run++) {
    startTrace();
    await measureColumnErrors(pool, weights, rows, PLANNED_COLUMNS, budget);
    samples.add('planning', rows, PLANNED_COLUMNS, secondsOf('columnErrors'));
  }
}

async function measureFactor(samples: RateSamples, pool: KernelPool, columns: number): Promise<void> {
  for (let run = 0; run < 3; run++) {
    const mark = pool.arena.mark();
    const hessian = identityHessian(pool, columns);
    const start = performance.now();
    await factorHessian(pool, hessian, DAMPING);
    samples.add('kernel factor', columns, columns ** 3 / 3, (performance.now() - start) / 1000);
    pool.arena.release(mark);
  }
}

/** Errors of a window as device-updates.ts takes them out, and corrections as it puts them back, without TensorFlow. */
async function measureStaging(samples: RateSamples, pool: KernelPool): Promise<void> {
  const { arena } = pool;
  const mark = arena.mark();
  const length = UPDATED_ROWS * STAGED_BLOCKS * BLOCK;
  const blocked = arena.allocate(4 * length);
  const staging = arena.allocate(4 * length);
  const strips = UPDATED_ROWS / STRIP;
  const args = arena.words([blocked, staging, strips, STAGED_BLOCKS]);
  await samples.time('staging', 1, 2 * 4 * length, () => {
    pool.runTiles('windowToRows', args, strips);
    const values = arena.floats(staging, length).slice();
    arena.floats(staging, length).set(values);
    pool.runTiles('rowsToWindow', args, strips);
  });
  arena.release(mark);
}

async function withFactor<T>(
  pool: KernelPool,
  columns: number,
  work: (factor: KernelFactor) => Promise<T>,
): Promise<T> {
  const mark = pool.arena.mark();
  try {
    return await work(await factorHessian(pool, identityHessian(pool, columns), DAMPING));
  } finally {
    pool.arena.release(mark);
  }
}

/** Easy to factor; the times do not depend on its values. */
function identityHessian(pool: KernelPool, columns: number): Hessian {
  const identity = new Float32Array(columns ** 2);
  for (let i = 0; i < columns; i++) identity[i * (columns + 1)] = 1;
  const hessian = new Hessian(pool, columns);
  hessian.load(identity);
  return hessian;
}

function loopInput(weights: Float32Array, rows: number, columns: number, budget: Budget): LoopInput {
  const order = Int32Array.from({ length: columns }, (_, column) => column);
  return { rows, weights, plan: planByOrder(order, rows, budget) };
}

/** Seconds of the kernels' job in what was recorded. */
function secondsOf(job: string): number {
  const spans = endTrace().filter(({ lane, name }) => lane === 'kernels' && name === job);
  return spans.reduce((sum, { start, end }) => sum + end - start, 0) / 1000;
}

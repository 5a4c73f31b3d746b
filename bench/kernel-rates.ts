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
import { Times } from './timing.ts';

const OPTIONS: ColumnLoopOptions = { codebookFit: 'kept', clustering: 'optimal', compensate: true, seed: 10 };

/** A matrix on which updates outweigh codebooks; its rows are among those at which columns are measured. */
export const UPDATED_ROWS = 2048;
const UPDATED_COLUMNS = 24 * BLOCK;
/** Columns whose errors are measured. */
const PLANNED_COLUMNS = 64;
/** Each after one that is not counted. */
const RUNS = 5;
const FACTORED_COLUMNS = [512, 1536];
/** Blocks of a stretch whose errors are taken out of the kernels' layout. */
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
      const times = await blockTimes(one, each, { ...budget, precision: singlePrecision(width) }, 1);
      for (const seconds of times) samples.add(codebooksOf(width), each, each * BLOCK, seconds);
    }
    await measurePlanning(samples, one, budget, each);
  }
  await measureCrowding(samples, { all, one }, budget);
  for (const columns of FACTORED_COLUMNS) await measureFactor(samples, all, columns);
  await measureStaging(samples, all);
  return await measureLoop(samples, one, budget);
}

export function kernelRates(samples: RateSamples, budget: Budget): KernelRates {
  return {
    codebooks: new Map(widthsOf(budget).map((width) => [width, samples.curve(codebooksOf(width))])),
    planning: samples.curve('planning'),
    updates: samples.rate('updates'),
    factor: samples.curve('kernel factor'),
    crowding: samples.secondsAt('crowding', 1),
    staging: samples.rate('staging'),
  };
}

function codebooksOf(width: number): string {
  return `codebooks of ${width} bits`;
}

function widthsOf({ precision: { low, high } }: Budget): number[] {
  return low === high ? [low] : [low, high];
}

/** Seconds that the threads take for one block of some matrices side by side: codebooks, codes, updates within the block. */
async function blockTimes(
  pool: KernelPool,
  rows: number,
  budget: Budget,
  matrices: number,
): Promise<number[]> {
  const weights = syntheticWeights(rows, BLOCK, 1);
  const inputs = Array.from({ length: matrices }, () => loopInput(weights, rows, BLOCK, budget));
  const times: number[] = [];
  await withFactor(pool, BLOCK, async (factor) => {
    for (let run = 0; run <= RUNS; run++) {
      startTrace();
      await quantizeColumns(pool, factor, inputs, OPTIONS);
      times.push(secondsOf('quantize'));
    }
  });
  return times.slice(1);
}

/** A whole loop: what updates take beyond the columns, and what the engine's thread does before and after the kernels. */
async function measureLoop(samples: RateSamples, pool: KernelPool, budget: Budget): Promise<QuantizedMatrix> {
  const [rows, columns] = [UPDATED_ROWS, UPDATED_COLUMNS];
  const weights = syntheticWeights(rows, columns, 1);
  const input = loopInput(weights, rows, columns, budget);
  return await withFactor(pool, columns, async (factor) => {
    const own = (columns / BLOCK) * new Times(await blockTimes(pool, rows, budget, 1)).median;
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
  for (const seconds of await planningTimes(pool, rows, PLANNED_COLUMNS, budget))
    samples.add('planning', rows, rows * PLANNED_COLUMNS, seconds);
}

/** On work that any thread takes in small pieces: how much longer a piece takes when all threads work. */
async function measureCrowding(
  samples: RateSamples,
  { all, one }: KernelPools,
  budget: Budget,
): Promise<void> {
  const columns = PLANNED_COLUMNS * all.threads;
  for (let round = 0; round < RUNS; round++) {
    const [alone = NaN] = await planningTimes(one, UPDATED_ROWS, PLANNED_COLUMNS, budget, 1);
    const [crowded = NaN] = await planningTimes(all, UPDATED_ROWS, columns, budget, 1);
    // All together cannot be slower than one that does everything.
    const longer = Math.min(Math.max(crowded / alone, 1), all.threads);
    samples.add('crowding', 1, 1, longer);
  }
}

/** Seconds that the errors of the columns at each width take, after a run that is not counted. */
async function planningTimes(
  pool: KernelPool,
  rows: number,
  columns: number,
  budget: Budget,
  runs = RUNS,
): Promise<number[]> {
  const weights = syntheticWeights(rows, columns, 1);
  const times: number[] = [];
  for (let run = 0; run <= runs; run++) {
    startTrace();
    await measureColumnErrors(pool, weights, rows, columns, budget);
    times.push(secondsOf('columnErrors'));
  }
  return times.slice(1);
}

async function measureFactor(samples: RateSamples, pool: KernelPool, columns: number): Promise<void> {
  for (let run = 0; run < RUNS; run++) {
    const mark = pool.arena.mark();
    const hessian = identityHessian(pool, columns);
    const start = performance.now();
    await factorHessian(pool, hessian, DAMPING);
    samples.add('kernel factor', columns, columns ** 3 / 3, (performance.now() - start) / 1000);
    pool.arena.release(mark);
  }
}

/** Errors of a stretch as device-updates.ts takes them out, and corrections as it puts them back, without TensorFlow. */
async function measureStaging(samples: RateSamples, pool: KernelPool): Promise<void> {
  const { arena } = pool;
  const mark = arena.mark();
  const length = UPDATED_ROWS * STAGED_BLOCKS * BLOCK;
  const blocked = arena.allocate(4 * length);
  const staging = arena.allocate(4 * length);
  const strips = UPDATED_ROWS / STRIP;
  const args = arena.words([blocked, staging, strips, STAGED_BLOCKS]);
  await samples.time('staging', 1, 2 * 4 * length, () => {
    pool.runTiles('stretchToRows', args, strips);
    const values = arena.floats(staging, length).slice();
    arena.floats(staging, length).set(values);
    pool.runTiles('rowsToStretch', args, strips);
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

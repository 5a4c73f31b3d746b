/** The column loop on one large matrix: with our codebooks, and with K-Means as scikit-learn does it. */
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { budgetOfBits, planByOrder } from '../shared/budget.ts';
import { quantizeColumns } from '../main/engine/claq/column-loop.ts';
import type { ColumnLoopOptions, LoopInput } from '../main/engine/claq/loop-input.ts';
import { factorOnDevice } from '../main/engine/claq/device-factor.ts';
import { DeviceHessian } from '../main/engine/claq/device-hessian.ts';
import { type HessianFactor, factorHessian } from '../main/engine/claq/factor.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import type { QuantizedMatrix } from '../main/engine/claq/quantized-matrix.ts';
import { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { startBackend } from '../main/engine/tensors/backend.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { note, table } from './report.ts';
import { scikitFits } from './scikit-learn.ts';
import { syntheticInputs, syntheticWeights } from './synthetic-matrix.ts';
import { Times, seconds, timeRuns } from './timing.ts';

export interface ColumnLoopBench {
  /** Rows and columns of the matrix. */
  readonly size: number;
  readonly bits: number;
  /** Counted runs of our loop; twice as many with all threads. */
  readonly runs: number;
}

const OURS: ColumnLoopOptions = {
  codebookFit: 'kept',
  clustering: 'optimal',
  compensate: true,
  seed: 10,
};
const SCIKIT: ColumnLoopOptions = { ...OURS, clustering: 'scikit' };
const NO_UPDATES: ColumnLoopOptions = { ...OURS, compensate: false };

/** The goal that the loop was built for. */
const TARGET_RATIO = 15;

/** Measures, prints, and returns the rate of the loop's updates on one thread in flops a second. */
export async function benchColumnLoop({ size, bits, runs }: ColumnLoopBench): Promise<number> {
  const weights = syntheticWeights(size, size, 1);
  const inputs = syntheticInputs(size, size, 2);
  const input = loopInput(weights, size, bits);
  const cores = availableParallelism();
  const backend = await startBackend({ threads: cores });
  const timeAll = async (): Promise<{ all: TimedLoop; onDevice: TimedLoop | undefined }> => {
    const ours = (pool: KernelPool, factor: HessianFactor): Promise<TimedLoop> =>
      timeLoop(pool, factor, input, OURS, runs);
    return {
      all: await withFactor(cores, inputs, size, ours),
      onDevice: backend.name === 'wasm' ? undefined : await withDeviceFactor(cores, inputs, size, ours),
    };
  };
  // Before and after the port, which takes long enough for the machine's speed to change.
  const before = await timeAll();
  const one = await withFactor(1, inputs, size, async (pool, factor) => ({
    ours: await timeLoop(pool, factor, input, OURS, runs),
    scikit: await timeLoop(pool, factor, input, SCIKIT, 1),
    uncompensated: await timeLoop(pool, factor, input, NO_UPDATES, runs),
  }));
  const { ours, scikit, uncompensated } = one;
  const after = await timeAll();
  const all = { ...before.all, times: before.all.times.and(after.all.times) };
  const onDevice =
    before.onDevice === undefined || after.onDevice === undefined
      ? undefined
      : { ...before.onDevice, times: before.onDevice.times.and(after.onDevice.times) };
  const ratio = (loop: TimedLoop): string => (scikit.times.median / loop.times.median).toFixed(1);
  table(
    `Column loop, ${size} x ${size}, ${bits} bits, Hessian already factored`,
    ['loop', 'time', 'times faster', 'loss'],
    [
      ...(onDevice === undefined
        ? []
        : [
            [
              `ours, ${cores} threads, with ${backend.description}`,
              String(onDevice.times),
              ratio(onDevice),
              onDevice.loss.toPrecision(6),
            ],
          ]),
      [`ours, ${cores} threads`, String(all.times), ratio(all), all.loss.toPrecision(6)],
      ['ours, 1 thread', String(ours.times), ratio(ours), ours.loss.toPrecision(6)],
      ['scikit-learn-style K-Means, 1 thread', String(scikit.times), '1', scikit.loss.toPrecision(6)],
    ],
  );
  if (onDevice === undefined) note('TensorFlow is not installed: the loop with its products is left out.');
  const best = onDevice !== undefined && onDevice.times.median < all.times.median ? onDevice : all;
  note(`Target: ${TARGET_RATIO} times faster. Here ${ratio(best)} with all threads, ${ratio(ours)} on one.`);
  note(`Same bytes whatever the number of threads: ${sameCodes(all.matrix, ours.matrix) ? 'yes' : 'NO'}`);
  await compareWithScikitLearn(weights, size, bits, { all: best.times.best, one: ours.times.best });
  const updates = ours.times.best - uncompensated.times.best;
  const fit = (scikit.times.median - ours.times.median + uncompensated.times.median) / size;
  note(
    `One thread: ${seconds(uncompensated.times.best)} for codebooks and codes ` +
      `(${seconds(uncompensated.times.best / size)} a column), ${seconds(updates)} for the updates; ` +
      `scikit-learn-style codebooks and codes take ${seconds(fit)} a column.`,
  );
  return (size * size * size) / updates;
}

/** Columns that scikit-learn itself fits: one in so many, half a minute at most. */
const FITTED_COLUMNS = 64;

/**
 * The codebooks alone of scikit-learn itself, the program that its port stands for: one thread, without the loop around
 * them, scaled from some columns to all.
 */
async function compareWithScikitLearn(
  weights: Float32Array,
  size: number,
  bits: number,
  ours: { readonly all: number; readonly one: number },
): Promise<void> {
  const fitted = Math.min(FITTED_COLUMNS, size);
  const columns = Float32Array.from(
    { length: fitted * size },
    (_, at) => weights[(at % size) * size + Math.floor(at / size) * Math.floor(size / fitted)] ?? 0,
  );
  try {
    const { version, seconds: times } = await scikitFits(columns, size, bits);
    const fit = new Times(times).median;
    const ratio = (loop: number): string => ((fit * size) / loop).toFixed(1);
    note(
      `scikit-learn ${version} itself: ${seconds(new Times(times).median)} a fit (median of ${fitted}), ${seconds(fit * size)} for the codebooks of ` +
        `all columns, one thread: ${ratio(ours.all)} times our whole loop with all threads, ${ratio(ours.one)} times that on one.`,
    );
  } catch (error) {
    note(`scikit-learn itself is not compared: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Single precision, nothing reserved. */
function loopInput(weights: Float32Array, size: number, bits: number): LoopInput {
  const order = Int32Array.from({ length: size }, (_, column) => column);
  return { rows: size, weights, plan: planByOrder(order, size, budgetOfBits(bits)) };
}

const DAMPING = { percdamp: 0.01, actOrder: true, where: 'the synthetic matrix' };

type FactorWork<T> = (pool: KernelPool, factor: HessianFactor) => Promise<T>;

async function withPool<T>(threads: number, work: (pool: KernelPool) => Promise<T>): Promise<T> {
  const pool = await KernelPool.start({ threads });
  try {
    return await work(pool);
  } finally {
    await pool.stop();
  }
}

async function withFactor<T>(
  threads: number,
  inputs: Float32Array,
  columns: number,
  work: FactorWork<T>,
): Promise<T> {
  return await withPool(threads, async (pool) => {
    const hessian = new Hessian(pool, columns);
    await hessian.add(inputs, inputs.length / columns);
    return await work(pool, await factorHessian(pool, hessian, DAMPING));
  });
}

async function withDeviceFactor<T>(
  threads: number,
  inputs: Float32Array,
  columns: number,
  work: FactorWork<T>,
): Promise<T> {
  return await withPool(threads, async (pool) => {
    const tokens = inputs.length / columns;
    const hessian = new DeviceHessian(columns);
    hessian.addSegment(tokens, new BatchSizes(tokens), () => tf.tensor2d(inputs, [tokens, columns]));
    const factor = await factorOnDevice(hessian, DAMPING);
    try {
      return await work(pool, factor);
    } finally {
      factor.dispose();
    }
  });
}

interface TimedLoop {
  readonly times: Times;
  readonly matrix: QuantizedMatrix;
  readonly loss: number;
}

async function timeLoop(
  pool: KernelPool,
  factor: HessianFactor,
  input: LoopInput,
  options: ColumnLoopOptions,
  runs: number,
): Promise<TimedLoop> {
  let [matrix] = runs > 1 ? await quantizeColumns(pool, factor, [input], options) : [];
  const times = await timeRuns(
    async () => {
      [matrix] = await quantizeColumns(pool, factor, [input], options);
    },
    runs,
    { warmUp: false },
  );
  if (matrix === undefined) throw new Error('the loop gave no matrix');
  return { times, matrix, loss: matrix.loss };
}

function sameCodes(a: QuantizedMatrix, b: QuantizedMatrix): boolean {
  return a.loss === b.loss && a.codes.every((code, i) => code === b.codes[i]);
}

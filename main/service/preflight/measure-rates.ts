/**
 * The rates of this machine, from two small quantizations: one block of random weights, of two sizes, by the code that a run
 * goes through. For the engine's thread; takes 3 seconds or so.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { budgetOfBits } from '../../../shared/budget.ts';
import { budgetForAll } from '../../../shared/model-budget.ts';
import { type ModelDescription, quantizedWeights } from '../../../shared/model.ts';
import { DEFAULT_OUTLIER_S } from '../../../shared/outlier-order.ts';
import { DEFAULT_PERCDAMP, type RunHooks } from '../../../shared/requests.ts';
import {
  type MovedBytes,
  evaluationBytesMoved,
  factorFlops,
  forwardBytes,
  forwardFlops,
  headFlops,
  hessianBytes,
  hessianFlops,
} from '../../../shared/run-work.ts';
import { Hessian } from '../../engine/claq/hessian.ts';
import type { MethodSettings } from '../../engine/claq/quantize-group.ts';
import type { KernelPool } from '../../engine/kernels/kernel-pool.ts';
import { writeMatrix } from '../../engine/result/matrix-file.ts';
import { quantizeModel } from '../../engine/run.ts';
import { type Engine, startEngine } from '../../engine/start-engine.ts';
import { isHostBackend } from '../../engine/tensors/tensorflow/tensorflow-backend.ts';
import { endTrace, startTrace } from '../../engine/trace.ts';
import { hashFile } from '../../engine/checkpoint/file-hash.ts';
import { validRequest } from '../valid-request.ts';
import { measuredCheckpoint, measuredDescription, measuredSegment } from './measured-model.ts';
import { type MeasuredRates, type RatesRequest, ratesRequestSchema } from './measured-rates.ts';
import { otherCores, processorTime } from './other-work.ts';
import type { RateCurve } from './rate-curve.ts';
import type { Rates } from './rates.ts';
import { type RunToTime, runTimes, transferSeconds } from './run-times.ts';

/** Hidden sizes: a small model's, and one whose products keep a processor busy while a run takes a second. */
const SMALL = 256;
const LARGE = 576;
/** Of each size. The first loads and compiles, and other programs come and go: the shortest time of a part is its own. */
const RUNS = 2;

const SEGMENTS = { count: 2, length: 512 };
const WINDOWS = { count: 1, length: 512 };

/** The choice by benefit is in most runs; without reserved entries it has a fifth of the work. */
const METHOD: MethodSettings = {
  method: 'claq',
  budget: budgetForAll(budgetOfBits(2.1)),
  outlierS: DEFAULT_OUTLIER_S,
  columnOrder: 'benefit',
  codebookFit: 'kept',
  groupSize: undefined,
  percdamp: DEFAULT_PERCDAMP,
  actOrder: true,
  seed: 0,
};

/** Throws ClaqError request/invalid, engine/backend-unavailable, engine/kernel-failed, run/cancelled. */
export async function measureRates(request: RatesRequest, hooks: RunHooks = {}): Promise<MeasuredRates> {
  const { engine: choice, threads, forwardPrecision } = validRequest(ratesRequestSchema, request);
  const [engine, start] = await timed(() => startEngine({ engine: choice, threads, forwardPrecision }));
  const folder = await mkdtemp(join(tmpdir(), 'claq-rates-'));
  try {
    const before = processorTime();
    const rates = await measureParts(engine, folder, start, hooks.signal);
    const { name, description } = engine.backend;
    return {
      engine: { name, description },
      threads: engine.pool.threads,
      forwardPrecision,
      rates,
      measuredAt: new Date().toISOString(),
      otherCores: otherCores(before, processorTime()),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
    await engine.stop();
  }
}

async function measureParts(
  engine: Engine,
  folder: string,
  start: number,
  signal: AbortSignal | undefined,
): Promise<Rates> {
  const moved = {
    ...transferRates(),
    updates: await updateRate(engine.pool),
    reading: await readingRate(folder),
  };
  const small = await shortestRun(SMALL, engine, folder, signal);
  const large = await shortestRun(LARGE, engine, folder, signal);
  const [smallest, largest] = [partRates(small, moved), partRates(large, moved)];
  const curve = (part: keyof PartRates): RateCurve => [
    { size: SMALL, rate: smallest[part] },
    { size: LARGE, rate: largest[part] },
  ];
  const known = {
    ...moved,
    start,
    forward: curve('forward'),
    hessian: curve('hessian'),
    factor: curve('factor'),
    evaluate: curve('evaluate'),
    bookkeeping: quantizedWeights(large.run.model) / large.bookkeeping,
    writing: quantizedWeights(large.run.model) / large.rest,
  };
  return { ...known, ...kernelSpeeds(large, known) };
}

const MEASURED_PARTS = [
  'forward',
  'hessian',
  'evaluate',
  'factor',
  'planning',
  'loop',
  'bookkeeping',
  /** Reading, dequantizing, packing, writing. */
  'rest',
] as const;
type MeasuredTimes = Record<(typeof MEASURED_PARTS)[number], number>;

/** A quantization, and the seconds of its parts. */
interface SmallRun extends MeasuredTimes {
  readonly run: RunToTime;
}

async function shortestRun(
  hiddenSize: number,
  engine: Engine,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<SmallRun> {
  const model = measuredDescription(hiddenSize, SEGMENTS.length);
  const best = await smallRun(model, engine, folder, signal);
  for (let repeat = 1; repeat < RUNS; repeat++) {
    const times = await smallRun(model, engine, folder, signal);
    for (const part of MEASURED_PARTS) best[part] = Math.min(best[part], times[part]);
  }
  const run = {
    model,
    method: METHOD,
    segments: SEGMENTS,
    windows: WINDOWS,
    engine: engine.backend.name,
    threads: engine.pool.threads,
  };
  return { ...best, run };
}

async function smallRun(
  model: ModelDescription,
  { pool }: Engine,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<MeasuredTimes> {
  const texts = (count: number): Int32Array[] =>
    Array.from({ length: count }, (_, seed) => measuredSegment(SEGMENTS.length, seed));
  startTrace();
  const [{ timing }, seconds] = await timed(() =>
    quantizeModel({
      checkpoint: measuredCheckpoint(model),
      pool,
      segments: texts(SEGMENTS.count),
      windows: texts(WINDOWS.count),
      settings: METHOD,
      onMatrix: async ({ name, matrix }) => {
        const file = join(folder, 'matrix.safetensors');
        await rm(file, { force: true });
        await writeMatrix(file, name, matrix);
        await hashFile(file);
      },
      signal,
    }),
  );
  const spans = endTrace().filter(({ lane }) => lane !== 'run');
  const spent = (...names: string[]): number =>
    spans.reduce((sum, { name, start, end }) => (names.includes(name) ? sum + end - start : sum), 0) / 1000;
  const { forward, hessian, quantize, evaluate } = timing;
  // Jobs of the kernels, and TensorFlow's step.
  const factor = spent('arrangeBlock', 'factor', 'arrangeFactor');
  const planning = spent('columnErrors');
  const loop = spent('quantize');
  return {
    forward,
    hessian,
    evaluate,
    factor,
    planning,
    loop,
    bookkeeping: quantize - factor - planning - loop,
    rest: seconds - forward - hessian - quantize - evaluate,
  };
}

type PartRates = Record<'forward' | 'hessian' | 'factor' | 'evaluate', number>;
type TransferRates = Pick<Rates, 'upload' | 'download'>;

function partRates(small: SmallRun, rates: TransferRates): PartRates {
  const { model, segments, windows } = small.run;
  const perSecond = (flops: number, seconds: number, moved: MovedBytes): number =>
    // Transfers that were measured alone may seem to take longer than all of it.
    flops / Math.max(seconds - transferSeconds(moved, rates), seconds / 4);
  return {
    forward: perSecond(forwardFlops(model, segments), small.forward, forwardBytes(model, segments)),
    hessian: perSecond(hessianFlops(model, segments), small.hessian, hessianBytes(model, segments)),
    factor: factorFlops(model) / small.factor,
    evaluate: perSecond(
      forwardFlops(model, windows) + headFlops(model, windows),
      small.evaluate,
      evaluationBytesMoved(model, windows),
    ),
  };
}

/** So that the model foretells for the run what it took. */
function kernelSpeeds(
  { run, planning, loop }: SmallRun,
  rates: Omit<Rates, 'codebooks' | 'planning'>,
): Pick<Rates, 'codebooks' | 'planning'> {
  const foretold = (codebooks: number): ReturnType<typeof runTimes> =>
    runTimes(run, { ...rates, bookkeeping: Infinity, planning: 1, codebooks });
  return {
    planning: foretold(1).planning / planning,
    codebooks: speedThatTakes(loop, (codebooks) => foretold(codebooks).columns),
  };
}

const FASTEST = 1000;

/** The speed from 1 / FASTEST to FASTEST at which a work that is the shorter the faster it goes takes so many seconds. */
function speedThatTakes(seconds: number, at: (speed: number) => number): number {
  let [low, high] = [1 / FASTEST, FASTEST];
  for (let step = 0; step < 50; step++) {
    const middle = Math.sqrt(low * high);
    if (at(middle) > seconds) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

/** Values that are moved: 8 MB, as a segment's hidden states are. */
const MOVED_VALUES = 2 ** 21;
const REPEATS = 3;

/** As good as no time: activations that stay tensors are not moved. */
const UNMOVED = 1e15;

/** Bytes a second, the best of some. */
function transferRates(): TransferRates {
  if (isHostBackend()) return { upload: UNMOVED, download: UNMOVED };
  const host = new Float32Array(MOVED_VALUES).fill(1);
  const bytes = host.byteLength;
  let [up, down] = [Infinity, Infinity];
  for (let repeat = 0; repeat <= REPEATS; repeat++) {
    tf.tidy(() => {
      const began = performance.now();
      // Reading one value of what is made of it waits for the whole.
      const made = tf.add(tf.tensor1d(host), 1);
      tf.slice(made, [0], [1]).dataSync();
      const uploaded = performance.now();
      made.dataSync();
      up = Math.min(up, uploaded - began);
      down = Math.min(down, performance.now() - uploaded);
    });
  }
  return { upload: (1000 * bytes) / up, download: (1000 * bytes) / down };
}

const UPDATED_COLUMNS = 768;

/** The kernels' Hessian is made by the micro-kernel that carries errors on. */
async function updateRate(pool: KernelPool): Promise<number> {
  const inputs = new Float32Array(SEGMENTS.length * UPDATED_COLUMNS).fill(0.5);
  const mark = pool.arena.mark();
  try {
    const hessian = new Hessian(pool, UPDATED_COLUMNS);
    let best = Infinity;
    for (let repeat = 0; repeat <= REPEATS; repeat++) {
      const [, seconds] = await timed(() => hessian.add(inputs, SEGMENTS.length));
      best = Math.min(best, seconds);
    }
    return (SEGMENTS.length * UPDATED_COLUMNS ** 2) / best;
  } finally {
    pool.arena.release(mark);
  }
}

const READ_BYTES = 16 * 2 ** 20;

/** Bytes a second of a file that the system has in its cache. */
async function readingRate(folder: string): Promise<number> {
  const file = join(folder, 'read');
  await writeFile(file, new Uint8Array(READ_BYTES));
  const [, seconds] = await timed(() => hashFile(file));
  return READ_BYTES / seconds;
}

async function timed<T>(work: () => Promise<T>): Promise<[T, seconds: number]> {
  const start = performance.now();
  const result = await work();
  return [result, (performance.now() - start) / 1000];
}

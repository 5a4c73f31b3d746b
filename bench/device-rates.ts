/** Rates of the tensor operations on the engine that is running, by way of what a run calls itself. */
import * as tf from '@tensorflow/tfjs-core';
import { factorOnDevice } from '../main/engine/claq/device-factor.ts';
import { DeviceHessian } from '../main/engine/claq/device-hessian.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { carryPrecision, carryProduct } from '../main/engine/tensors/carry-product.ts';
import { forwardProduct } from '../main/engine/tensors/forward-product.ts';
import { kernelAttention } from '../main/engine/tensors/kernel-attention.ts';
import { tensorflowInUse } from '../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { AttentionPattern, attend, headsFirst, splitHeads } from '../main/engine/transformer/attention.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { rmsNorm } from '../main/engine/transformer/norm.ts';
import { rotate } from '../main/engine/transformer/rotary.ts';
import { constantRate } from '../main/service/preflight/rate-curve.ts';
import { attentionScores } from './cost-model.ts';
import type { DeviceRates } from './rates.ts';
import type { RateSamples } from './rate-samples.ts';

export const DAMPING = { percdamp: 0.01, actOrder: true, where: 'the measured matrix' };

const HEAD_DIMS = [64, 128];
const HEADS = 8;
/** Segments that are added to a Hessian at once. */
const ADDED_SEGMENTS = 3;
const DOWNLOADS = 9;
/** Rows whose errors are carried over, columns of a stretch, and stretches that are carried at once. */
const CARRIED = { rows: 2048, columns: 384, stretches: [1, 2] };

export interface DeviceSizes {
  /** Of a segment. */
  readonly tokens: number;
  /** Of hidden states, ascending. */
  readonly widths: readonly number[];
  /** Of Hessians, ascending. */
  readonly columns: readonly number[];
}

export async function measureDevice(
  samples: RateSamples,
  pool: KernelPool,
  { tokens, widths, columns }: DeviceSizes,
): Promise<void> {
  for (const width of widths) {
    await measureProduct(samples, tokens, width);
    await measurePasses(samples, tokens, width);
  }
  for (const each of columns) {
    await measureHessian(samples, pool, tokens, each);
    if (tensorflowInUse() !== undefined) await measureFactor(samples, each);
  }
  for (const stretches of CARRIED.stretches) await measureCarryProduct(samples, stretches);
  for (const headDim of HEAD_DIMS) await measureAttention(samples, tokens, headDim);
  await measureTransfers(samples, tokens * (widths.at(-1) ?? 1));
}

export function deviceRates(samples: RateSamples): DeviceRates {
  return {
    product: samples.curve('product'),
    carryProduct: samples.curve('carry product'),
    hessian: samples.curve('hessian'),
    // None where all groups stay in the kernels' memory.
    factor: samples.has('device factor') ? samples.curve('device factor') : [],
    attention: samples.curve('attention'),
    norm: samples.curve('norm'),
    // Part of attention where the kernels do it.
    rotation: samples.has('rotation') ? samples.curve('rotation') : constantRate(Infinity),
    gate: samples.curve('gate'),
    sum: samples.curve('sum'),
    upload: samples.rate('upload'),
    download: samples.rate('download'),
  };
}

/** Waits until the work is done that a GPU was only told of, by reading one value. */
function finished(tensor: tf.Tensor): void {
  tf.tidy(() => tf.slice(tf.reshape(tensor, [tensor.size]), [0], [1]).dataSync());
}

function doneIn(work: () => tf.Tensor): () => void {
  return () => tf.tidy(() => finished(work()));
}

async function measureProduct(samples: RateSamples, tokens: number, width: number): Promise<void> {
  const x = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const weight = tf.randomNormal<tf.Rank.R2>([width, width]);
  const flops = 2 * tokens * width ** 2;
  await samples.time(
    'product',
    flops,
    flops,
    doneIn(() => forwardProduct(x, weight)),
  );
  tf.dispose([x, weight]);
}

async function measureCarryProduct(samples: RateSamples, stretches: number): Promise<void> {
  const { rows, columns } = CARRIED;
  const errors = tf.randomNormal<tf.Rank.R2>([rows, stretches * columns]);
  const upper = tf.randomNormal<tf.Rank.R2>([stretches * columns, columns]);
  const flops = 2 * rows * stretches * columns ** 2;
  await samples.time(
    'carry product',
    flops,
    flops,
    doneIn(() => carryProduct(errors, upper, carryPrecision())),
  );
  tf.dispose([errors, upper]);
}

async function measureHessian(
  samples: RateSamples,
  pool: KernelPool,
  tokens: number,
  width: number,
): Promise<void> {
  const inputs = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const flops = tokens * width ** 2;
  if (tensorflowInUse() === undefined) {
    const mark = pool.arena.mark();
    const hessian = new Hessian(pool, width);
    await samples.time('hessian', width, flops, () => hessian.add(inputs.dataSync<'float32'>(), tokens));
    pool.arena.release(mark);
  } else {
    const hessian = new DeviceHessian(width);
    const sizes = new BatchSizes(tokens);
    const add = (): void => {
      for (let segment = 0; segment < ADDED_SEGMENTS; segment++)
        hessian.addSegment(tokens, sizes, () => tf.clone(inputs));
      // Waits for a GPU.
      hessian.diagonal();
    };
    await samples.time('hessian', width, ADDED_SEGMENTS * flops, add, 3);
    hessian.dispose();
  }
  inputs.dispose();
}

/** Of a matrix that is easy to factor: the time does not depend on its values. */
async function measureFactor(samples: RateSamples, width: number): Promise<void> {
  const identity = new Float32Array(width ** 2);
  for (let i = 0; i < width; i++) identity[i * (width + 1)] = 1;
  for (let run = 0; run < 2; run++) {
    const hessian = new DeviceHessian(width);
    hessian.load(identity);
    const start = performance.now();
    const factor = await factorOnDevice(hessian, DAMPING);
    finished(factor.upper);
    samples.add('device factor', width, width ** 3 / 3, (performance.now() - start) / 1000);
    factor.dispose();
  }
}

/**
 * From projections to the mixture of values as attentionMix (block.ts) goes about it: on the kernels where they are in use for
 * it, rotation included, else in the device's operations.
 */
async function measureAttention(samples: RateSamples, tokens: number, headDim: number): Promise<void> {
  const random = (width: number): tf.Tensor2D => tf.randomNormal([tokens, width]);
  const queries = random(HEADS * headDim);
  const cos = random(headDim / 2);
  const pattern = new AttentionPattern(tokens, undefined, new BatchSizes(tokens).queries);
  const byHead = headsFirst(splitHeads(queries, headDim));
  const scores = attentionScores({ heads: HEADS, slidingWindow: undefined }, tokens);
  const attention = {
    keys: queries,
    values: queries,
    heads: HEADS,
    kvHeads: HEADS,
    tokens,
    headDim,
    window: pattern.window,
    cos,
    sin: cos,
  };
  await samples.time(
    'attention',
    headDim,
    scores,
    // Projections made anew: what was downloaded once is kept.
    doneIn(
      () =>
        kernelAttention({ ...attention, queries: tf.add(queries, 1) }) ??
        attend(byHead, byHead, byHead, pattern),
    ),
  );
  const onKernels = tf.tidy(() => kernelAttention({ ...attention, queries }) !== undefined);
  if (!onKernels) {
    const values = queries.size;
    await samples.time(
      'rotation',
      values,
      values,
      doneIn(() => rotate(headsFirst(splitHeads(queries, headDim)), cos, cos)),
    );
  }
  pattern.dispose();
  tf.dispose([queries, byHead, cos]);
}

/** What goes over every value a few times. */
async function measurePasses(samples: RateSamples, tokens: number, width: number): Promise<void> {
  const values = tokens * width;
  const x = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const y = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const ones: tf.Tensor1D = tf.ones([width]);
  await samples.time(
    'norm',
    values,
    values,
    doneIn(() => rmsNorm(x, ones, 1e-5)),
  );
  await samples.time(
    'sum',
    values,
    values,
    doneIn(() => tf.add(x, y)),
  );
  // As in gatedUnit, without its products.
  await samples.time(
    'gate',
    values,
    values,
    doneIn(() => tf.mul(tf.mul(x, tf.sigmoid(x)), y)),
  );
  tf.dispose([x, y, ones]);
}

async function measureTransfers(samples: RateSamples, values: number): Promise<void> {
  const bytes = values * Float32Array.BYTES_PER_ELEMENT;
  const host = new Float32Array(values).fill(1);
  // A slice of one value makes TensorFlow take the array.
  await samples.time(
    'upload',
    bytes,
    bytes,
    doneIn(() => tf.tensor1d(host)),
  );
  for (let run = 0; run < DOWNLOADS; run++) {
    // Made anew: what was read once is kept.
    const made = tf.tidy(() => tf.add(tf.tensor1d(host), 1));
    finished(made);
    const start = performance.now();
    made.dataSync();
    samples.add('download', bytes, bytes, (performance.now() - start) / 1000);
    made.dispose();
  }
}

/** Rates of the tensor operations on the engine that is running, by way of what a run calls itself. */
import * as tf from '@tensorflow/tfjs-core';
import { factorOnDevice } from '../main/engine/claq/device-factor.ts';
import { DeviceHessian } from '../main/engine/claq/device-hessian.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { forwardProduct } from '../main/engine/tensors/forward-product.ts';
import { tensorflowInUse } from '../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { AttentionPattern, attend, headsFirst, splitHeads } from '../main/engine/transformer/attention.ts';
import { BatchSizes } from '../main/engine/transformer/batch-sizes.ts';
import { rmsNorm } from '../main/engine/transformer/norm.ts';
import { rotate } from '../main/engine/transformer/rotary.ts';
import type { DeviceRates } from './rates.ts';
import type { RateSamples } from './rate-samples.ts';

export const DAMPING = { percdamp: 0.01, actOrder: true, where: 'the measured matrix' };

const HEAD_DIMS = [64, 128];
const HEADS = 8;
/** Rows whose errors are carried over, columns of a window, and windows before it. */
const CARRIED = { rows: 2048, columns: 384, windows: [1, 8] };

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
  for (const windows of CARRIED.windows) await measureCarryProduct(samples, windows);
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
    rotation: samples.curve('rotation'),
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

async function measureCarryProduct(samples: RateSamples, windows: number): Promise<void> {
  const { rows, columns } = CARRIED;
  const errors = tf.randomNormal<tf.Rank.R2>([rows, windows * columns]);
  const upper = tf.randomNormal<tf.Rank.R2>([windows * columns, columns]);
  const flops = 2 * rows * windows * columns ** 2;
  await samples.time(
    'carry product',
    flops,
    flops,
    doneIn(() => tf.matMul(errors, upper)),
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
    await samples.time('hessian', width, flops, () => {
      hessian.addSegment(tokens, sizes, () => tf.clone(inputs));
      hessian.diagonal();
    });
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

async function measureAttention(samples: RateSamples, tokens: number, headDim: number): Promise<void> {
  const heads = (): tf.Tensor3D => tf.randomNormal([HEADS, tokens, headDim]);
  const [q, k, v] = [heads(), heads(), heads()];
  const pattern = new AttentionPattern(tokens, undefined, new BatchSizes(tokens).queries);
  let scores = 0;
  for (let start = 0; start < tokens; start += pattern.chunk) {
    const end = Math.min(start + pattern.chunk, tokens);
    scores += HEADS * (end - start) * end;
  }
  await samples.time(
    'attention',
    headDim,
    scores,
    doneIn(() => attend(q, k, v, pattern)),
  );
  pattern.dispose();
  tf.dispose([q, k, v]);
}

/** What goes over every value a few times. */
async function measurePasses(samples: RateSamples, tokens: number, width: number): Promise<void> {
  const [headDim = 1] = HEAD_DIMS;
  const values = tokens * width;
  const x = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const y = tf.randomNormal<tf.Rank.R2>([tokens, width]);
  const ones: tf.Tensor1D = tf.ones([width]);
  const angles = tf.randomNormal<tf.Rank.R2>([tokens, headDim / 2]);
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
  await samples.time(
    'rotation',
    values,
    values,
    doneIn(() => rotate(headsFirst(splitHeads(x, headDim)), angles, angles)),
  );
  tf.dispose([x, y, ones, angles]);
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
  for (let run = 0; run < 3; run++) {
    // Made anew: what was read once is kept.
    const made = tf.tidy(() => tf.add(tf.tensor1d(host), 1));
    finished(made);
    const start = performance.now();
    made.dataSync();
    samples.add('download', bytes, bytes, (performance.now() - start) / 1000);
    made.dispose();
  }
}

/** A machine that is not here: one graphics card of 24 GB and 16 cores. Its rates are data sheets times stated shares. */
import { constantRate } from '../main/service/preflight/rate-curve.ts';
import type { ForwardPrecision } from '../shared/engine.ts';
import type { ModelDescription } from '../shared/model.ts';
import { llamaOf } from '../tests/known-models.ts';
import type { Machine } from './rates.ts';

/**
 * NVIDIA GeForce RTX 4090, by the data sheet of its architecture (Ada GPU architecture whitepaper, table 2): float32 without
 * tensor cores, since TF32 rounds; half precision with float32 sums; memory.
 */
export const CARD = {
  name: 'RTX 4090',
  memory: 24e9,
  floatFlops: 82.6e12,
  halfFlops: 165.2e12,
  bandwidth: 1008e9,
} as const;

/** Of the peak: what large products and passes over memory are commonly seen to reach. Guesses, to be replaced by measurements. */
export const SHARES = {
  product: 0.7,
  halfProduct: 0.5,
  /** A band below and above the diagonal computes 5 to 14 % more than the triangle that is counted. */
  hessian: 0.6,
  /** Cholesky, and the gathers and turns around it. */
  factor: 0.2,
  bandwidth: 0.7,
  /** Copies from and to memory that is not pinned. */
  link: 0.4,
} as const;

/** PCIe 4.0, 16 lanes, bytes a second each way. */
export const LINK = 31.5e9;

/** A fast SSD. */
export const DISK = 5e9;

export const CORES = 16;
export const HOST_MEMORY = 64e9;

/** Bytes of device memory that are read and written for a value. */
const BYTES_PER_VALUE = {
  /** Square, its sums, the scale, the weight. */
  norm: 28,
  /** Heads first, halves, four products, two sums, together. */
  rotation: 48,
  /** Sigmoid and two products. */
  gate: 32,
  sum: 12,
  /** Product, mask, softmax, mixture. */
  score: 28,
} as const;

/** Large models whose tensors all have the names and the form of LLaMA's. */
export const LARGE_MODELS: readonly { readonly name: string; readonly model: ModelDescription }[] = [
  large('LLaMA-7B', 32, 4096, 11008, 32),
  large('LLaMA-13B', 40, 5120, 13824, 40),
  large('Yi-34B', 60, 7168, 20480, 56, 8, 64_000),
  large('LLaMA-65B', 80, 8192, 22016, 64),
];

function large(
  name: string,
  blocks: number,
  hiddenSize: number,
  ffnSize: number,
  heads: number,
  kvHeads = heads,
  vocabSize = 32_000,
): { readonly name: string; readonly model: ModelDescription } {
  const shape = { hiddenSize, ffnSize, blocks, heads, kvHeads, vocabSize, contextLength: 2048 };
  return { name, model: llamaOf(shape) };
}

/**
 * The card above beside 16 of the cores that `here` was measured on, each as fast as one that works alone here. What the
 * engine's thread does is as fast as here.
 */
export function assumedMachine(here: Machine, precision: ForwardPrecision): Machine {
  const bandwidth = CARD.bandwidth * SHARES.bandwidth;
  const link = LINK * SHARES.link;
  const product = CARD.floatFlops * SHARES.product;
  const forward = precision === 'float32' ? product : CARD.halfFlops * SHARES.halfProduct;
  const passes = (bytes: number): ReturnType<typeof constantRate> => constantRate(bandwidth / bytes);
  const attention = (headDim: number): number =>
    1 / (BYTES_PER_VALUE.score / bandwidth + (4 * headDim) / product);
  return {
    device: {
      product: constantRate(forward),
      carryProduct: constantRate(product),
      hessian: constantRate(CARD.floatFlops * SHARES.hessian),
      factor: constantRate(CARD.floatFlops * SHARES.factor),
      attention: [64, 128].map((size) => ({ size, rate: attention(size) })),
      norm: passes(BYTES_PER_VALUE.norm),
      rotation: passes(BYTES_PER_VALUE.rotation),
      gate: passes(BYTES_PER_VALUE.gate),
      sum: passes(BYTES_PER_VALUE.sum),
      upload: link,
      // Over the link, and then into an array of JavaScript's, which is what a download here is.
      download: 1 / (1 / link + 1 / here.device.download),
    },
    kernels: {
      ...here.kernels,
      crowding: 1,
      staging: (here.kernels.staging * CORES) / here.threads,
    },
    host: { ...here.host, read: 1 / (1 / DISK + 1 / link), hash: Math.min(DISK, here.host.hash) },
    threads: CORES,
    ownDevice: true,
    factorsOnDevice: true,
    keepsActivations: false,
  };
}

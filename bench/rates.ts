/** The rates of a machine that the cost model goes by. */

import type { RateCurve } from '../main/service/preflight/rate-curve.ts';

/** What carries out the tensor operations, all its cores or threads together. */
export interface DeviceRates {
  /** Flops a second of the forward pass's products, by the flops of one. */
  readonly product: RateCurve;
  /** Flops a second of the products that carry errors over in the column loop: float32 always. */
  readonly carryProduct: RateCurve;
  /** Flops a second of a segment's Hessian (tokens x columns^2), by columns. */
  readonly hessian: RateCurve;
  /** Flops a second of a factorization (columns^3 / 3), by columns. */
  readonly factor: RateCurve;
  /** Scores a second in attention, from projections to the mixture of values, by the size of a head. */
  readonly attention: RateCurve;
  /** Values a second, by the values of a tensor: RMS norm; rotation of queries and keys; silu(gate) * up; a sum of two tensors. */
  readonly norm: RateCurve;
  readonly rotation: RateCurve;
  readonly gate: RateCurve;
  readonly sum: RateCurve;
  /** Bytes a second from typed arrays to tensors, and into typed arrays. */
  readonly upload: number;
  readonly download: number;
}

/** The SIMD kernels, one thread that works alone where nothing else is said. */
export interface KernelRates {
  /** Weights a second given codebooks of each width and codes, updates within their block included, by rows of a column. */
  readonly codebooks: ReadonlyMap<number, RateCurve>;
  /** Weights a second whose columns' errors at every width and share are measured, by rows of a column. */
  readonly planning: RateCurve;
  /** Flops a second of the updates of one block by another. */
  readonly updates: number;
  /** Flops a second of a factorization, all threads together, by columns. */
  readonly factor: RateCurve;
  /** How much longer each thread takes where all work at once: 1 on cores that share nothing. */
  readonly crowding: number;
  /** Bytes a second of errors and corrections between the kernels' layout and rows, all threads together. */
  readonly staging: number;
}

/** What the engine's thread does in plain TypeScript, and files. */
export interface HostRates {
  /** Seconds until the first block, but for the hashing of the model's files. */
  readonly start: number;
  /** Bytes a second hashed. */
  readonly hash: number;
  /** Bytes a second of a block's weights, from file to float32 tensors. */
  readonly read: number;
  /** Weights a second: outlier statistics; into the kernels' layout and codes out of it; dequantized; packed, written, hashed. */
  readonly statistics: number;
  readonly layout: number;
  readonly dequantize: number;
  readonly write: number;
  /** Columns a second whose widths and shares are chosen by benefit. */
  readonly choice: number;
}

export interface Machine {
  readonly device: DeviceRates;
  readonly kernels: KernelRates;
  readonly host: HostRates;
  /** Kernel threads. */
  readonly threads: number;
  /** Whether the tensor operations have cores of their own, or share those of the kernels. */
  readonly ownDevice: boolean;
  /** Whether Hessians are factored on the device and errors carried over by it: with TensorFlow. */
  readonly factorsOnDevice: boolean;
  /** Whether activations stay tensors, since the memory of those is the host's (hidden-states.ts). */
  readonly keepsActivations: boolean;
}

import type { EngineChoice, ForwardPrecision } from '../../shared/engine.ts';
import { KernelPool, type KernelPoolOptions } from './kernels/kernel-pool.ts';
import { type BackendInfo, startBackend } from './tensors/backend.ts';
import { setForwardPrecision } from './tensors/forward-product.ts';
import { useKernelsForAttention } from './tensors/kernel-attention.ts';
import { useKernelsForMatMul } from './tensors/wasm-matmul.ts';

/** What computes: a tensor backend for the forward pass, and the kernel threads. */
export interface Engine {
  readonly backend: BackendInfo;
  readonly pool: KernelPool;
  readonly forwardPrecision: ForwardPrecision;
  stop(): Promise<void>;
}

export interface EngineOptions extends KernelPoolOptions {
  /** The tensor backend; the best that runs here where not given. */
  readonly engine?: EngineChoice | undefined;
  /** Of the products in the forward pass; float32 where not given. */
  readonly forwardPrecision?: ForwardPrecision | undefined;
}

/**
 * Starts the backend and the kernel threads. One engine runs in a process at a time; stop it when done.
 * Throws ClaqError engine/backend-unavailable, engine/kernel-failed.
 */
export async function startEngine({
  engine,
  forwardPrecision = 'float32',
  ...options
}: EngineOptions = {}): Promise<Engine> {
  const backend = await startBackend({ engine, threads: options.threads });
  setForwardPrecision(forwardPrecision);
  try {
    const pool = await KernelPool.start(options);
    const restore = [
      ...(backend.name === 'wasm' ? [useKernelsForMatMul(pool)] : []),
      ...(backend.name === 'tensorflow-gpu' ? [] : [useKernelsForAttention(pool)]),
    ];
    return {
      backend,
      pool,
      forwardPrecision,
      async stop() {
        for (const putBack of restore) putBack();
        setForwardPrecision('float32');
        await pool.stop();
      },
    };
  } catch (error) {
    // The precision is the process's: without an engine that set it, it is float32.
    setForwardPrecision('float32');
    throw error;
  }
}

import { KernelPool, type KernelPoolOptions } from './kernels/kernel-pool.ts';
import { type BackendInfo, startBackend } from './tensors/backend.ts';
import { useKernelsForMatMul } from './tensors/wasm-matmul.ts';

/** What computes: a tensor backend for the forward pass, and the kernel threads. */
export interface Engine {
  readonly backend: BackendInfo;
  readonly pool: KernelPool;
  stop(): Promise<void>;
}

/** Starts the backend and the kernel threads. One engine runs in a process at a time; stop it when done. */
export async function startEngine(options: KernelPoolOptions = {}): Promise<Engine> {
  const backend = await startBackend();
  const pool = await KernelPool.start(options);
  const restore = useKernelsForMatMul(pool);
  return {
    backend,
    pool,
    async stop() {
      restore();
      await pool.stop();
    },
  };
}

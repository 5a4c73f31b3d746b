/** Rates of everything that is made of the micro-kernel, and their distance from it. */
import { availableParallelism } from 'node:os';
import { factorHessian } from '../main/engine/claq/factor.ts';
import { Hessian } from '../main/engine/claq/hessian.ts';
import type { KernelFlavour } from '../main/engine/kernels/kernel-module.ts';
import { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { BLOCK, PANEL, STRIP, roundUp } from '../main/engine/kernels/layout.ts';
import { multiply } from '../main/engine/kernels/product.ts';
import { table } from './report.ts';
import { syntheticInputs } from './synthetic-matrix.ts';
import { timeRuns } from './timing.ts';

/** Inner length of the operands: panel, strip and product fit into the first-level cache. */
const DEPTH = 256;
const FLOPS_A_CALL = 2 * PANEL * STRIP * DEPTH;
/** Calls in one run: about a tenth of a second. */
const CALLS = 200_000;
const MICRO_KERNEL_RUNS = 15;
const PRODUCT_RUNS = 5;

/**
 * Prints rates at `size` columns and as many tokens.
 * @param loopUpdates flops a second of the column loop's updates on one thread, where they were measured
 */
export async function benchProducts(size: number, loopUpdates?: number): Promise<void> {
  const cores = availableParallelism();
  const flavours = ['relaxed', 'simd'] as const;
  const one = await microKernelRates(flavours, 1);
  const all = await microKernelRates(flavours, cores);
  table(
    `Micro-kernel alone, operands in the first-level cache, GFLOPS (best of ${MICRO_KERNEL_RUNS})`,
    ['build', '1 thread', `${cores} threads`],
    flavours.map((flavour, i) => [flavour, gigaflops(one[i]), gigaflops(all[i])]),
  );
  const onOne = { ...(await productRates(size, 1)), "the column loop's updates": loopUpdates };
  const onAll: Record<string, number | undefined> = await productRates(size, cores);
  table(
    `Products at ${size} columns and ${size} tokens, packing included, GFLOPS (best of ${PRODUCT_RUNS}) and share of the micro-kernel`,
    ['product', '1 thread', 'share', `${cores} threads`, 'share'],
    Object.entries(onOne).map(([name, rate]) => [
      name,
      gigaflops(rate),
      share(rate, one[0]),
      gigaflops(onAll[name]),
      share(onAll[name], all[0]),
    ]),
  );
}

/** Flops a second of each build. */
async function microKernelRates(flavours: readonly KernelFlavour[], threads: number): Promise<number[]> {
  const rates: number[] = [];
  for (const flavour of flavours) {
    await withPool({ threads, flavour }, async (pool) => {
      const { arena } = pool;
      const bytes = roundUp((PANEL + STRIP) * DEPTH * 4 + PANEL * STRIP * 4, 64);
      const operands = arena.allocate(bytes * threads);
      arena.floats(operands, (bytes * threads) / 4).fill(1e-3);
      const args = arena.words([operands, CALLS, DEPTH, bytes]);
      const times = await timeRuns(
        () => pool.runTilesAsync('microKernelRate', args, threads),
        MICRO_KERNEL_RUNS,
      );
      rates.push((threads * CALLS * FLOPS_A_CALL) / times.best);
    });
  }
  return rates;
}

/** Flops a second of the products of a run. */
async function productRates(size: number, threads: number): Promise<Record<string, number>> {
  const inputs = syntheticInputs(size, size, 2);
  return await withPool({ threads }, async (pool) => {
    const hessian = new Hessian(pool, size);
    const add = await timeRuns(() => hessian.add(inputs, size), PRODUCT_RUNS);
    const factor = await timeRuns(() => factorOnce(pool, hessian), PRODUCT_RUNS);
    const a = { values: inputs, rowStride: size, columnStride: 1 };
    const transposed = { values: inputs, rowStride: 1, columnStride: size };
    const product = await timeRuns(() => {
      let first: number | undefined;
      multiply(pool, a, transposed, [size, size, size], (result) => {
        first = result[0];
      });
      return Promise.resolve(first);
    }, PRODUCT_RUNS);
    // Only blocks on and below the diagonal are computed.
    const blocks = roundUp(size, BLOCK) / BLOCK;
    const triangle = (BLOCK * BLOCK * blocks * (blocks + 1)) / 2;
    return {
      'X X^T of a segment (Hessian)': (2 * size * triangle) / add.best,
      'H = U D U^T (factor)': size ** 3 / 3 / factor.best,
      'matrix product (forward pass)': (2 * size ** 3) / product.best,
    };
  });
}

async function factorOnce(pool: KernelPool, hessian: Hessian): Promise<void> {
  const mark = pool.arena.mark();
  await factorHessian(pool, hessian, { percdamp: 0.01, actOrder: true, where: 'the synthetic matrix' });
  pool.arena.release(mark);
}

async function withPool<T>(
  options: { readonly threads: number; readonly flavour?: KernelFlavour },
  work: (pool: KernelPool) => Promise<T>,
): Promise<T> {
  const pool = await KernelPool.start(options);
  try {
    return await work(pool);
  } finally {
    await pool.stop();
  }
}

function gigaflops(rate: number | undefined): string {
  return rate === undefined ? '' : (rate / 1e9).toFixed(1);
}

function share(rate: number | undefined, floor: number | undefined): string {
  return rate === undefined || floor === undefined ? '' : `${Math.round((100 * rate) / floor)} %`;
}

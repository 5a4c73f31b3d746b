/** The same bytes, whoever computes them. */
import { expect, it, onTestFinished } from 'vitest';
import type { KernelFlavour } from '../../../main/engine/kernels/kernel-module.ts';
import { KernelPool, type KernelPoolOptions } from '../../../main/engine/kernels/kernel-pool.ts';
import { Random, randomHessian } from '../../oracle/random.ts';
import { fingerprint } from '../claq/fingerprint.ts';
import { type LoopCase, type LoopSettings, everyColumn, quantizeTogether } from '../claq/loop-case.ts';

/** A group of three matrices of different sizes, over four blocks of columns. */
function makeGroup(): LoopCase[] {
  const random = new Random(31);
  const columns = 300;
  const hessian = randomHessian(random, columns, [7]);
  return [120, 33, 64].map((rows, i) => ({
    rows,
    columns,
    weights: random.floats(rows * columns, () => 0.05 * random.student(4)),
    hessian,
    plan: everyColumn(columns, 2 + i, i, 2),
  }));
}

const cases = makeGroup();

async function fingerprints(pool: KernelPool, settings: LoopSettings = {}): Promise<string[]> {
  return (await quantizeTogether(pool, cases, settings)).map(fingerprint);
}

async function startPool(options: KernelPoolOptions): Promise<KernelPool> {
  const pool = await KernelPool.start(options);
  onTestFinished(() => pool.stop());
  return pool;
}

it('gives the same bytes on one, two and three threads, and twice in a row', async () => {
  const results: string[][] = [];
  for (const threads of [1, 2, 3]) {
    const pool = await startPool({ threads });
    results.push(await fingerprints(pool), await fingerprints(pool));
  }
  expect(new Set(results[0]).size).toBe(3);
  for (const result of results) expect(result).toEqual(results[0]);
});

it('depends on the seed only where K-Means starts at random', async () => {
  const pool = await startPool({ threads: 2 });
  const optimal = await fingerprints(pool, { seed: 1 });
  expect(await fingerprints(pool, { seed: 2 })).toEqual(optimal);
  const scikit = await fingerprints(pool, { seed: 1, clustering: 'scikit' });
  expect(await fingerprints(pool, { seed: 1, clustering: 'scikit' })).toEqual(scikit);
  expect(await fingerprints(pool, { seed: 2, clustering: 'scikit' })).not.toEqual(scikit);
});

it('runs on machines without relaxed SIMD, with nearly the same losses', async () => {
  const losses: number[][] = [];
  for (const flavour of ['relaxed', 'simd'] as const satisfies readonly KernelFlavour[]) {
    const pool = await startPool({ threads: 2, flavour });
    expect(pool.flavour).toBe(flavour);
    losses.push((await quantizeTogether(pool, cases)).map(({ loss }) => loss));
  }
  const [relaxed = [], simd = []] = losses;
  expect(relaxed).toHaveLength(3);
  for (const [i, loss] of relaxed.entries()) {
    expect(Math.abs((simd[i] ?? NaN) / loss - 1)).toBeLessThan(0.005);
  }
});

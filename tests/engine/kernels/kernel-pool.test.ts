import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadKernelModule } from '../../../main/engine/kernels/kernel-module.ts';
import { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { thrownBy } from '../checkpoint/thrown.ts';

/** Arguments that no kernel can read: behind the end of the memory. */
const NOWHERE = 0xffff_fff0;

let pool: KernelPool;
beforeAll(async () => {
  pool = await KernelPool.start({ threads: 3 });
});
afterAll(() => pool.stop());

/** Packs one column of `lines` numbers, one group after another; returns what came out. */
function pack(lines: number): number[] {
  const mark = pool.arena.mark();
  const source = pool.arena.copyFloats(Array.from({ length: lines }, (_, i) => i + 1));
  const groups = Math.ceil(lines / 8);
  const packed = pool.arena.allocate(groups * 32);
  pool.runTiles('packLines', pool.arena.words([source, packed, lines, 1, 1, 1, 8]), groups);
  const result = [...pool.arena.floats(packed, groups * 8)];
  pool.arena.release(mark);
  return result;
}

describe('KernelPool', () => {
  it('runs every tile once, more tiles than threads or fewer', () => {
    expect(pack(3)).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
    const result = pack(8 * 500);
    expect(result).toEqual(Array.from({ length: 8 * 500 }, (_, i) => i + 1));
  });

  it('has nothing to do for a job without tiles or blocks', async () => {
    pool.runTiles('packLines', NOWHERE, 0);
    await pool.runTilesAsync('packLines', NOWHERE, 0);
    await pool.runPipelines('quantize', [], []);
  });

  it('says which kernel failed, and goes on', async () => {
    const error = await thrownBy(() => pool.runTilesAsync('gramBlock', NOWHERE, 5));
    expect(error).toMatchObject({
      code: 'engine/kernel-failed',
      message: 'The kernel gramBlock failed',
      found: 'memory access out of bounds',
    });
    expect(pack(2)).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
  });

  it('says so where the caller blocks, too', async () => {
    // The threads' messages come later; what an earlier job died of is not shown as the reason.
    const error = await thrownBy(() => pool.runTiles('productTile', NOWHERE, 100));
    expect(error).toMatchObject({ code: 'engine/kernel-failed', message: 'The kernel productTile failed' });
    expect(error.found).toBeUndefined();
    expect(pack(2)).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
  });

  it('ends all threads of a pipeline when one fails', async () => {
    const used = pool.arena.used;
    for (let round = 0; round < 20; round++) {
      const error = await thrownBy(() => pool.runPipelines('factor', [NOWHERE, NOWHERE, NOWHERE], [3, 2, 4]));
      expect(error.code).toBe('engine/kernel-failed');
    }
    expect(pool.arena.used).toBe(used);
    expect(pack(2)).toEqual([1, 2, 0, 0, 0, 0, 0, 0]);
  });

  it('takes one job at a time', async () => {
    const mark = pool.arena.mark();
    const operands = pool.arena.allocate(1 << 16);
    const job = pool.runTilesAsync('microKernelRate', pool.arena.words([operands, 20_000, 200]), 3);
    expect(() => pack(1)).toThrow('the kernel threads are busy with another job');
    await job;
    expect(pack(1)).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    pool.arena.release(mark);
  });
});

describe('loadKernelModule', () => {
  it('prefers relaxed SIMD and gives the other build where asked to', async () => {
    expect((await loadKernelModule()).flavour).toBe('relaxed');
    expect((await loadKernelModule('simd')).flavour).toBe('simd');
  });
});

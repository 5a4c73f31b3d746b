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

  it('takes one job at a time, and leaves the one that runs alone', async () => {
    const mark = pool.arena.mark();
    // Sums of 20,000 x 200 products of ones in each of three tiles: long enough to be asked for more meanwhile.
    const [tiles, repeats, depth] = [3, 20_000, 200];
    const [operands, product] = [depth * (6 + 8), 6 * 8];
    const floats = operands + product;
    const pointer = pool.arena.allocate(tiles * floats * 4);
    for (let tile = 0; tile < tiles; tile++)
      pool.arena
        .floats(pointer + tile * floats * 4, floats)
        .fill(1, 0, operands)
        .fill(0, operands);
    const args = pool.arena.words([pointer, repeats, depth, floats * 4]);
    const job = pool.runTilesAsync('microKernelRate', args, tiles);
    const busy = 'the kernel threads are busy with another job';
    await expect(pool.runPipelines('quantize', [NOWHERE], [1])).rejects.toThrow(busy);
    await expect(pool.runTilesAsync('packLines', NOWHERE, 100)).rejects.toThrow(busy);
    expect(() => pack(1)).toThrow(busy);
    await job;
    for (let tile = 0; tile < tiles; tile++) {
      const sums = pool.arena.floats(pointer + tile * floats * 4, floats).slice(operands);
      expect(sums).toEqual(new Float32Array(product).fill(repeats * depth));
    }
    expect(pack(1)).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
    pool.arena.release(mark);
  });
});

describe('KernelPool whose threads die', () => {
  const stopped = { code: 'engine/kernel-failed', message: 'A kernel thread stopped' };

  it('does not start where the threads cannot', async () => {
    // A module that exports one function, (rows) => rows, as both sizes, and no kernel.
    const bytes = Buffer.from(
      '0061736d01000000' +
        '010601' +
        '60017f017f' +
        '03020100' +
        '072402' +
        '0c7363726174636842797465730000' +
        '116572726f725363726174636842797465730000' +
        '0a06010400' +
        '20000b',
      'hex',
    );
    const module = await WebAssembly.compile(bytes);
    const error = await thrownBy(() => KernelPool.start({ threads: 3 }, { flavour: 'simd', module }));
    expect(error).toMatchObject({ ...stopped, found: 'the kernels have no packLines' });
  });

  it('ends the wait of a blocked caller, and takes no further job', async () => {
    const dying = await KernelPool.start({ threads: 2, patience: 200 });
    // The threads die at once, and no event can say so before the job has begun.
    const stop = dying.stop();
    expect(await thrownBy(() => dying.runTiles('packLines', NOWHERE, 1000))).toMatchObject(stopped);
    expect(await thrownBy(() => dying.runTiles('packLines', NOWHERE, 0))).toMatchObject(stopped);
    await stop;
  });

  it('ends the wait of a caller that awaits', async () => {
    const dying = await KernelPool.start({ threads: 2 });
    const operands = dying.arena.allocate(1 << 16);
    const forHours = dying.arena.words([operands, 0x7fff_ffff, 200, 1 << 14]);
    const job = dying.runTilesAsync('microKernelRate', forHours, 2);
    void dying.stop();
    expect(await thrownBy(() => job)).toMatchObject(stopped);
  });
});

describe('loadKernelModule', () => {
  it('prefers relaxed SIMD and gives the other build where asked to', async () => {
    expect((await loadKernelModule()).flavour).toBe('relaxed');
    expect((await loadKernelModule('simd')).flavour).toBe('simd');
  });
});

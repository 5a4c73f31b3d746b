import { BLOCK } from '../kernels/layout.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { type FactorOptions, dampUntilFactored, readDiagonal, sensitivityOf } from './damping.ts';
import type { DeviceFactor } from './device-factor.ts';
import type { FactoredColumns } from './factored-columns.ts';
import type { Hessian } from './hessian.ts';

/** A factor in the kernels' memory. */
export interface KernelFactor extends FactoredColumns {
  readonly home: 'kernels';
  /** Pointer to U in panels. */
  readonly panels: number;
  /** Pointer to D, float64 by position. D = 1 / U[i,i]^2 in the notation of GPTQ: what an error in the column costs. */
  readonly d: number;
}

export type HessianFactor = KernelFactor | DeviceFactor;

/**
 * Damps and factors a Hessian. The result stands in the pool's arena; so does a work matrix of the same size.
 * Throws ClaqError hessian/not-finite, hessian/not-positive-definite.
 */
export async function factorHessian(
  pool: KernelPool,
  hessian: Hessian,
  options: FactorOptions,
): Promise<KernelFactor> {
  const { arena } = pool;
  const { columns, paddedColumns } = hessian;
  const blocks = paddedColumns / BLOCK;
  const diagonal = hessian.diagonal();
  const choices = readDiagonal(diagonal, options);
  const { order, dead, mean } = choices;
  const panels = arena.allocate(paddedColumns * paddedColumns * 4);
  const d = arena.allocate(paddedColumns * 8);
  const mark = arena.mark();
  const work = arena.allocate(paddedColumns * paddedColumns * 4);
  pool.allocateScratch(BLOCK);
  const orderPointer = arena.copyInts(order);
  const failed = arena.allocate(4);
  return dampUntilFactored(options, async (damping) => {
    const dampingPointer = arena.copyDoubles([damping * mean]);
    const scalePointer = arena.copyDoubles([hessian.scale]);
    const arrange = [
      hessian.products,
      work,
      orderPointer,
      columns,
      paddedColumns,
      dampingPointer,
      scalePointer,
    ];
    await pool.runTilesAsync('arrangeBlock', arena.words(arrange), blocks);
    arena.ints(failed, 1)[0] = 0;
    await pool.runPipelines('factor', [arena.words([work, paddedColumns, panels, failed])], [blocks]);
    if (arena.ints(failed, 1)[0] !== 0) return undefined;
    await pool.runTilesAsync('arrangeFactor', arena.words([work, paddedColumns, panels, d]), blocks);
    const sensitivity = sensitivityOf(arena.doubles(d, columns), choices);
    arena.release(mark);
    return {
      home: 'kernels',
      columns,
      paddedColumns,
      order,
      diagonal,
      dead,
      panels,
      d,
      sensitivity,
      damping,
    } as const;
  });
}

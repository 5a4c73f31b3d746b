import { ClaqError } from '../../../shared/errors.ts';
import { BLOCK } from '../kernels/layout.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { overflowRemedy } from '../tensors/forward-product.ts';
import type { Hessian } from './hessian.ts';

/** H = U D U^T for the columns in their order of processing, in the kernels' memory. Shared by the matrices of a group. */
export interface HessianFactor {
  readonly columns: number;
  readonly paddedColumns: number;
  /** Column at each position of processing. */
  readonly order: Int32Array;
  /** 1 for columns whose inputs were always zero; their weights become zero. */
  readonly dead: Uint8Array;
  /** Pointer to U, unit upper triangular, in panels. */
  readonly panels: number;
  /** Pointer to D, float64 by position. D = 1 / U[i,i]^2 in the notation of GPTQ: what an error in the column costs. */
  readonly d: number;
  /** D by the column's own index; 0 for dead columns, whose errors cost nothing. */
  readonly sensitivity: Float64Array;
  /** Share of the mean diagonal that was added to the diagonal. More than asked for where that was not enough. */
  readonly damping: number;
}

/** Damping is raised tenfold this often before a Hessian is given up. */
const DAMPING_RETRIES = 3;

/** Act-order: columns by descending diag(H), ties by index; or their own order. */
export function processingOrder(diagonal: Float64Array, actOrder: boolean): Int32Array {
  const order = Int32Array.from(diagonal.keys());
  return actOrder ? order.sort((a, b) => (diagonal[b] ?? 0) - (diagonal[a] ?? 0) || a - b) : order;
}

/**
 * Damps and factors a Hessian. The result stands in the pool's arena; so does a work matrix of the same size.
 * @param percdamp share of the mean of the diagonal that is added to it (the paper: 0.01)
 * @param where names the matrices, for errors
 */
export async function factorHessian(
  pool: KernelPool,
  hessian: Hessian,
  options: { readonly percdamp: number; readonly actOrder: boolean; readonly where: string },
): Promise<HessianFactor> {
  const { arena } = pool;
  const { columns, paddedColumns } = hessian;
  const blocks = paddedColumns / BLOCK;
  const diagonal = hessian.diagonal();
  checkFinite(diagonal, options.where);
  const dead = Uint8Array.from(diagonal, (value) => (value === 0 ? 1 : 0));
  const alive = diagonal.map((value) => (value === 0 ? 1 : value));
  const mean = alive.reduce((sum, value) => sum + value, 0) / columns;
  const order = processingOrder(alive, options.actOrder);
  const panels = arena.allocate(paddedColumns * paddedColumns * 4);
  const d = arena.allocate(paddedColumns * 8);
  const mark = arena.mark();
  const work = arena.allocate(paddedColumns * paddedColumns * 4);
  pool.allocateScratch(BLOCK);
  const orderPointer = arena.copyInts(order);
  const failed = arena.allocate(4);
  for (let attempt = 0; attempt <= DAMPING_RETRIES; attempt++) {
    const damping = options.percdamp * 10 ** attempt;
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
    if (arena.ints(failed, 1)[0] === 0) {
      await pool.runTilesAsync('arrangeFactor', arena.words([work, paddedColumns, panels, d]), blocks);
      const byPosition = arena.doubles(d, columns);
      const sensitivity = new Float64Array(columns);
      for (const [position, column] of order.entries())
        sensitivity[column] = dead[column] === 1 ? 0 : (byPosition[position] ?? 0);
      arena.release(mark);
      return { columns, paddedColumns, order, dead, panels, d, sensitivity, damping };
    }
  }
  throw new ClaqError('hessian/not-positive-definite', 'The Hessian could not be factored', {
    where: options.where,
    expected: 'a positive definite matrix after damping',
    found: `none at damping ${options.percdamp} to ${options.percdamp * 10 ** DAMPING_RETRIES}`,
    remedy: 'use more calibration segments, or a larger --percdamp',
  });
}

function checkFinite(diagonal: Float64Array, where: string): void {
  const column = diagonal.findIndex((value) => !Number.isFinite(value));
  if (column < 0) return;
  throw new ClaqError('hessian/not-finite', 'The inputs of a layer are not finite', {
    where,
    expected: 'finite activations',
    found: `${String(diagonal[column])} on the diagonal, column ${column}`,
    remedy: overflowRemedy(),
  });
}

import type { Hessian } from '../../../main/engine/claq/hessian.ts';
import type { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { BLOCK, STRIP } from '../../../main/engine/kernels/layout.ts';

/** H[row][column], row >= column, out of the blocked layout: [column / 96][row / 8][column % 96][row % 8]. */
export function hessianCells(pool: KernelPool, hessian: Hessian): (row: number, column: number) => number {
  const products = pool.arena.floats(hessian.products, hessian.paddedColumns ** 2);
  const strips = hessian.paddedColumns / STRIP;
  return (row, column) => {
    const strip = Math.floor(column / BLOCK) * strips + Math.floor(row / STRIP);
    const place = (strip * BLOCK + (column % BLOCK)) * STRIP + (row % STRIP);
    return (products[place] ?? NaN) * hessian.scale;
  };
}

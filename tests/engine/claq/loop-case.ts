/** One matrix and its Hessian, taken through the kernels and made ready for the oracle. */
import type { ColumnPlan } from '../../../shared/budget.ts';
import { quantizeColumns } from '../../../main/engine/claq/column-loop.ts';
import type { ColumnLoopOptions } from '../../../main/engine/claq/loop-input.ts';
import { factorOnDevice } from '../../../main/engine/claq/device-factor.ts';
import { DeviceHessian } from '../../../main/engine/claq/device-hessian.ts';
import { type HessianFactor, factorHessian } from '../../../main/engine/claq/factor.ts';
import { Hessian } from '../../../main/engine/claq/hessian.ts';
import { type QuantizedMatrix, dequantize } from '../../../main/engine/claq/quantized-matrix.ts';
import type { UniformGrid } from '../../../main/engine/claq/uniform-grid.ts';
import type { KernelPool } from '../../../main/engine/kernels/kernel-pool.ts';
import { lossOf, prepareHessian } from '../../oracle/gptq.ts';
import { type Matrix, matrixOf } from '../../oracle/linear-algebra.ts';
import { type Random, randomHessian } from '../../oracle/random.ts';

export interface LoopCase {
  readonly rows: number;
  readonly columns: number;
  /** [rows, columns] row-major. */
  readonly weights: Float32Array;
  readonly hessian: Matrix;
  readonly plan: ColumnPlan;
  readonly grid?: UniformGrid;
}

export const DEFAULT_OPTIONS: ColumnLoopOptions = {
  codebookFit: 'kept',
  clustering: 'optimal',
  compensate: true,
  seed: 1,
};
export const PERCDAMP = 0.01;

export interface LoopSettings extends Partial<ColumnLoopOptions> {
  readonly actOrder?: boolean;
  /** Where the Hessian is factored, and with it who carries errors over long ways. */
  readonly home?: HessianFactor['home'];
}

export function everyColumn(columns: number, width: number, low = 0, high = 0): ColumnPlan {
  return {
    widths: new Uint8Array(columns).fill(width),
    reservedLow: new Int32Array(columns).fill(low),
    reservedHigh: new Int32Array(columns).fill(high),
  };
}

/** In the kernels' memory; the caller's mark owns it. */
export function kernelHessian(pool: KernelPool, { columns, values }: Matrix): Hessian {
  const hessian = new Hessian(pool, columns);
  hessian.load(Float32Array.from(values));
  return hessian;
}

/** On TensorFlow's device, until it is factored. */
export function deviceHessian({ columns, values }: Matrix): DeviceHessian {
  const hessian = new DeviceHessian(columns);
  hessian.load(Float32Array.from(values));
  return hessian;
}

/** Matrices that share a Hessian, as those of a group do. */
export async function quantizeTogether(
  pool: KernelPool,
  cases: readonly LoopCase[],
  settings: LoopSettings = {},
): Promise<QuantizedMatrix[]> {
  const { actOrder = true, home = 'kernels', ...options } = settings;
  const [first] = cases;
  if (first === undefined) return [];
  const mark = pool.arena.mark();
  let factor: HessianFactor | undefined;
  try {
    const damping = { percdamp: PERCDAMP, actOrder, where: 'test' };
    factor =
      home === 'kernels'
        ? await factorHessian(pool, kernelHessian(pool, first.hessian), damping)
        : await factorOnDevice(deviceHessian(first.hessian), damping);
    const inputs = cases.map(({ rows, weights, plan, grid }) => ({
      rows,
      weights,
      plan,
      ...(grid === undefined ? {} : { grid }),
    }));
    return await quantizeColumns(pool, factor, inputs, { ...DEFAULT_OPTIONS, ...options });
  } finally {
    if (factor?.home === 'device') factor.dispose();
    pool.arena.release(mark);
  }
}

export async function quantize(
  pool: KernelPool,
  one: LoopCase,
  settings: LoopSettings = {},
): Promise<QuantizedMatrix> {
  const [matrix] = await quantizeTogether(pool, [one], settings);
  if (matrix === undefined) throw new Error('no matrix came back');
  return matrix;
}

/** Heavy-tailed weights with a Hessian of their own; every column at `width`. */
export function randomCase(random: Random, rows: number, columns: number, width: number): LoopCase {
  return {
    rows,
    columns,
    weights: random.floats(rows * columns, () => 0.05 * random.student(5)),
    hessian: randomHessian(random, columns),
    plan: everyColumn(columns, width),
  };
}

/** tr((W - Q) H (W - Q)^T) / 2 with the damped H of the act-order, in float64. */
export function trueLoss({ rows, columns, weights, hessian }: LoopCase, matrix: QuantizedMatrix): number {
  return lossOf(
    matrixOf(rows, columns, weights),
    matrixOf(rows, columns, dequantize(matrix)),
    prepareHessian(hessian, PERCDAMP, true),
  );
}

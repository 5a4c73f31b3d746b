/** The matrices that share their inputs, from Hessian to codes: plan every column, then run the loop. */
import { type Budget, type ColumnPlan, authorsTails, planByOrder } from '../../../shared/budget.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { type CodebookFit, type ColumnOrder, type Method, hasUniformGrid } from '../../../shared/method.ts';
import type { ModelBudget } from '../../../shared/model-budget.ts';
import type { MatrixKind } from '../../../shared/model.ts';
import type { PlusChoices } from '../../../shared/plus.ts';
import { type TieBreak, outlierOrder } from '../../../shared/outlier-order.ts';
import { countOutliers } from '../kernels/column-statistics.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { measureColumnErrors, planByBenefit } from './benefit.ts';
import { aimedWeights } from './aim.ts';
import { quantizeColumns } from './column-loop.ts';
import { type Couplings, couplingsOf } from './couplings.ts';
import type { FactorOptions } from './damping.ts';
import type { ColumnLoopOptions, LoopInput } from './loop-input.ts';
import { factorOnDevice } from './device-factor.ts';
import type { DeviceHessian } from './device-hessian.ts';
import type { Drift } from './drift.ts';
import { reserveBy } from './error-reservation.ts';
import { type HessianFactor, factorHessian } from './factor.ts';
import type { FactoredColumns } from './factored-columns.ts';
import type { Hessian } from './hessian.ts';
import { type PlusSettings, plusSettings } from './plus-settings.ts';
import type { QuantizedMatrix } from './quantized-matrix.ts';
import { divideRows, matrixScale, rowScales } from './row-scales.ts';
import { uniformGrid } from './uniform-grid.ts';
import { span } from '../trace.ts';

/** Every choice of the method, decided. */
export interface MethodSettings {
  readonly method: Method;
  readonly budget: ModelBudget;
  readonly outlierS: number;
  readonly columnOrder: ColumnOrder;
  readonly codebookFit: CodebookFit;
  /** Columns that share a scale (gptq, rtn); undefined for the whole row. */
  readonly groupSize: number | undefined;
  readonly percdamp: number;
  readonly actOrder: boolean;
  readonly seed: number;
  /** What CLAQ+ does beyond the paper; undefined: nothing. */
  readonly plus?: PlusChoices | undefined;
}

/** What holds for all matrices alike. */
export type GroupSettings = Omit<MethodSettings, 'budget'>;

export interface GroupMatrix {
  readonly kind: MatrixKind;
  /** Its name in the checkpoint, for errors. */
  readonly name: string;
  readonly rows: number;
  /** [rows, columns] row-major. */
  readonly weights: Float32Array;
  readonly budget: Budget;
  /** What its columns get, where that has been decided for the whole model. */
  readonly plan?: ColumnPlan | undefined;
  /** What a squared error in each row weighs, [rows] (row-sensitivity.ts); all alike where there are none. */
  readonly rowWeights?: Float32Array | undefined;
}

export interface GroupResult {
  readonly kind: MatrixKind;
  readonly name: string;
  readonly matrix: QuantizedMatrix;
  /** Share of the mean diagonal of H that its factorization took. */
  readonly damping: number;
  /** Entries that are outliers at S, as a share of all. */
  readonly outlierRatio: number;
}

export interface GroupHooks {
  readonly signal?: AbortSignal | undefined;
  /** Told of the factorization, before anything is planned by it; it is gone when the group is done. */
  readonly onFactored?: ((factor: FactoredColumns) => void) | undefined;
  /** How far the inputs have drifted from the original model's; stays the caller's. */
  readonly drift?: Drift | undefined;
}

/** scikit-learn's seed in the authors' code. */
const AUTHORS_SEED = 10;

/**
 * Quantizes the matrices of a group, which share their Hessian; one on the device is used up.
 * Throws ClaqError hessian/not-positive-definite, hessian/not-finite, and run/cancelled between factorization, planning and
 * loop.
 */
export async function quantizeGroup(
  pool: KernelPool,
  hessian: Hessian | DeviceHessian,
  matrices: readonly GroupMatrix[],
  settings: GroupSettings,
  { signal, onFactored, drift }: GroupHooks = {},
): Promise<GroupResult[]> {
  const mark = pool.arena.mark();
  const sweeps = settings.plus === undefined ? 0 : plusSettings(settings.plus).sweeps;
  const whole = sweeps > 0 ? hessian.whole() : undefined;
  try {
    const where = matrices.map(({ name }) => name).join(', ');
    const factor = await factored(pool, hessian, { ...settings, where });
    try {
      onFactored?.(factor);
      const couplings = whole === undefined ? undefined : couplingsOf(whole, factor);
      whole?.dispose();
      try {
        return await quantizeFactored(pool, { factor, couplings, drift, matrices, settings, signal });
      } finally {
        couplings?.dispose();
      }
    } finally {
      if (factor.home === 'device') factor.dispose();
    }
  } finally {
    whole?.dispose();
    pool.arena.release(mark);
  }
}

interface FactoredGroup {
  readonly factor: HessianFactor;
  /** Where sweeps follow the loop. */
  readonly couplings: Couplings | undefined;
  readonly drift: Drift | undefined;
  readonly matrices: readonly GroupMatrix[];
  readonly settings: GroupSettings;
  readonly signal: AbortSignal | undefined;
}

async function quantizeFactored(
  pool: KernelPool,
  { factor, couplings, drift, matrices, settings, signal }: FactoredGroup,
): Promise<GroupResult[]> {
  const { columns } = factor;
  const inputs: LoopInput[] = [];
  const ratios: number[] = [];
  const plus = settings.plus === undefined ? undefined : plusSettings(settings.plus);
  const aims = aimsOf(pool, factor, matrices, drift);
  for (const [i, { rows, weights, budget, plan, rowWeights }] of matrices.entries()) {
    throwIfCancelled(signal);
    const counts = await countOutliers(pool, weights, { rows, columns }, settings.outlierS);
    ratios.push(counts.reduce((sum, count) => sum + count, 0) / weights.length);
    const planned: Planned =
      plan === undefined
        ? await planMatrix(pool, { rows, columns, weights, budget, counts, factor }, settings)
        : { plan };
    inputs.push({ rows, rowWeights, ...planned, ...scaled(aims[i] ?? weights, rows, plus) });
  }
  throwIfCancelled(signal);
  const sweeps =
    plus === undefined || couplings === undefined ? undefined : { count: plus.sweeps, couplings };
  const quantized = await quantizeColumns(pool, factor, inputs, { ...loopOptions(settings), sweeps }, signal);
  return matrices.flatMap(({ kind, name }, i) => {
    const matrix = quantized[i];
    if (matrix === undefined) return [];
    return [{ kind, name, matrix, damping: factor.damping, outlierRatio: ratios[i] ?? 0 }];
  });
}

/** What the loop aims at in each matrix. */
function aimsOf(
  pool: KernelPool,
  factor: HessianFactor,
  matrices: readonly GroupMatrix[],
  drift: Drift | undefined,
): Float32Array[] {
  if (drift === undefined) return matrices.map(({ weights }) => weights);
  return span('tensors', 'corrections', () => aimedWeights(pool, factor, matrices, drift));
}

/** A matrix as the loop is given it: its rows divided by their scales, where codebooks are to be of such. */
function scaled(
  weights: Float32Array,
  rows: number,
  plus: PlusSettings | undefined,
): Pick<LoopInput, 'weights' | 'rowScales' | 'byteCodebooks'> {
  if (plus === undefined || !(plus.rowScales || plus.byteCodebooks)) return { weights };
  const { byteCodebooks } = plus;
  const scales = plus.rowScales ? rowScales(weights, rows) : matrixScale(weights, rows);
  return { weights: divideRows(weights, scales), rowScales: scales, byteCodebooks };
}

function factored(
  pool: KernelPool,
  hessian: Hessian | DeviceHessian,
  options: FactorOptions,
): Promise<HessianFactor> {
  if (hessian.home === 'kernels') return factorHessian(pool, hessian, options);
  return span('tensors', 'factor', () => factorOnDevice(hessian, options));
}

function loopOptions({ method, codebookFit, seed, plus }: GroupSettings): ColumnLoopOptions {
  const reference = method === 'reference';
  return {
    codebookFit,
    clustering: reference ? 'scikit' : 'optimal',
    compensate: method !== 'rtn',
    seed: reference ? AUTHORS_SEED : seed,
    reserve: reserveBy(plus),
  };
}

interface MatrixToPlan {
  readonly rows: number;
  readonly columns: number;
  readonly weights: Float32Array;
  readonly budget: Budget;
  /** Outliers of each column at S. */
  readonly counts: Uint32Array;
  readonly factor: FactoredColumns;
}

type Planned = Pick<LoopInput, 'plan' | 'grid'>;

async function planMatrix(pool: KernelPool, matrix: MatrixToPlan, settings: GroupSettings): Promise<Planned> {
  const { rows, columns, weights, budget, counts, factor } = matrix;
  const { method, columnOrder } = settings;
  if (hasUniformGrid(method)) {
    const width = budget.precision.average;
    const grid = uniformGrid(weights, rows, columns, width, settings.groupSize ?? columns);
    const none = new Int32Array(columns);
    const plan: ColumnPlan = {
      widths: new Uint8Array(columns).fill(width),
      reservedLow: none,
      reservedHigh: none,
    };
    return { plan, grid };
  }
  if (method === 'reference') {
    const ties: TieBreak = { rule: 'column-index' };
    return { plan: planByOrder(outlierOrder(counts, ties).columns, rows, budget, authorsTails) };
  }
  const adaptive = budget.precision.low !== budget.precision.high || budget.reservation !== undefined;
  if (columnOrder === 'benefit' && adaptive) {
    const errors = await measureColumnErrors(pool, weights, rows, columns, budget);
    return { plan: planByBenefit(errors, factor.sensitivity, rows, budget) };
  }
  const order = outlierOrder(counts, { rule: 'hessian-diagonal', values: factor.diagonal });
  return { plan: planByOrder(order.columns, rows, budget) };
}

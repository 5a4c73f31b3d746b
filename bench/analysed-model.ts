/** What the window of budgets knows of a model, gathered without a library: errors of all columns, and profiles made of them. */
import type { Checkpoint } from '../main/engine/checkpoint/checkpoint.ts';
import { analyseModel } from '../main/engine/inspect/analyse-columns.ts';
import { type MeasuredColumns, measureModel } from '../main/engine/inspect/measure-columns.ts';
import type { KernelPool } from '../main/engine/kernels/kernel-pool.ts';
import { NUMBERS_A_CURVE, benefitCurve } from '../main/service/statistics/benefit-curve.ts';
import { SUMS_A_MATRIX, sumAlong } from '../main/service/statistics/loss-sums.ts';
import type { GroupCalibration } from '../shared/calibration.ts';
import { orderByCounts, tieOrder } from '../shared/column-order.ts';
import type { ErrorWeighting } from '../shared/loss-profile.ts';
import type { ModelBudget } from '../shared/model-budget.ts';
import { MATRIX_GROUPS } from '../shared/model.ts';
import { type LossSource, benefitBudgets, benefitKey } from '../shared/predicted-loss.ts';

export interface AnalysedModel {
  /** At which outliers were counted. */
  readonly s: number;
  /** In the order of the computation. */
  readonly matrices: readonly (MeasuredColumns & { readonly errors: Float16Array })[];
}

export async function analysedModel(
  pool: KernelPool,
  checkpoint: Checkpoint,
  s: number,
): Promise<AnalysedModel> {
  const measured: MeasuredColumns[] = [];
  await measureModel(pool, checkpoint, {
    levels: [s],
    onMatrix: (matrix) => void measured.push(matrix),
  });
  const errors: Float16Array[] = [];
  await analyseModel(pool, checkpoint, {
    onMatrix: (matrix) => void errors.push(new Float16Array(matrix.errors)),
  });
  return {
    s,
    matrices: measured.map((matrix, index) => ({ ...matrix, errors: errors[index] ?? new Float16Array() })),
  };
}

/**
 * @param calibration of each group of a run, by which columns are weighted and ties broken; undefined for the weights alone
 * @param budgets that are to be foretold by benefit
 */
export function lossSource(
  { s, matrices }: AnalysedModel,
  calibration: readonly GroupCalibration[] | undefined,
  budgets: readonly ModelBudget[],
): LossSource {
  const weighting: ErrorWeighting = calibration === undefined ? 'none' : 'calibrated';
  const sums = new Float32Array(matrices.length * SUMS_A_MATRIX);
  const energies = new Float32Array(matrices.length);
  const benefit = new Map(
    benefitBudgets(budgets).map((asked) => [
      benefitKey(asked),
      { asked, curves: new Float32Array(matrices.length * NUMBERS_A_CURVE) },
    ]),
  );
  for (const [index, { block, kind, rows, maxima, outliers, errors, ...matrix }] of matrices.entries()) {
    const group = MATRIX_GROUPS.find((kinds) => kinds.some((each) => each === kind));
    const calibrated = calibration?.find((each) => each.block === block && each.kind === group?.[0]);
    const weights = calibrated?.sensitivity;
    const weighted = Float64Array.from(
      matrix.energies,
      (energy, column) => energy * (weights === undefined ? 1 : (weights[column] ?? 0) / 2),
    );
    const order = orderByCounts(tieOrder(calibrated?.diagonal ?? maxima), outliers[0]);
    sumAlong(order, errors, weighted, sums.subarray(index * SUMS_A_MATRIX, (index + 1) * SUMS_A_MATRIX));
    energies[index] = weighted.reduce((sum, energy) => sum + energy, 0);
    for (const { asked, curves } of benefit.values()) {
      const curve = curves.subarray(index * NUMBERS_A_CURVE, (index + 1) * NUMBERS_A_CURVE);
      benefitCurve({ rows, energies: weighted, errors }, asked, curve);
    }
  }
  return {
    profile: {
      s,
      tieRule: calibration === undefined ? 'max-weight' : 'hessian-diagonal',
      weighting,
      sums,
      energies,
    },
    benefit: new Map([...benefit].map(([key, { curves }]) => [key, curves])),
  };
}

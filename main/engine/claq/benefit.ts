/**
 * Widths and reserved shares spent where they pay most: the calibrated drop in error of each column per stored bit.
 * Stands beside the Outlier Order, which needs no calibration but sees only sizes of weights.
 */
import { classTableBytes, columnBits, columnClasses, packedBytes, totalBytes } from '../../../shared/bits.ts';
import { type Budget, type ColumnPlan, planByOrder } from '../../../shared/budget.ts';
import { type ColumnCandidates, type ColumnErrors, columnErrors } from '../kernels/column-errors.ts';
import { copyMatrix } from '../kernels/column-statistics.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { Upgrades } from './upgrades.ts';

/**
 * What a column may get: every width from the low to the high one; no reserved entries, the budget's two shares, and twice
 * each of them.
 */
export function candidates(rows: number, { precision, reservation }: Budget): ColumnCandidates {
  const widths = Array.from({ length: precision.high - precision.low + 1 }, (_, i) => precision.low + i);
  if (reservation === undefined) return { widths, tailCounts: [0] };
  const { headShare, restShare } = reservation;
  const counts = [0, restShare, 2 * restShare, headShare, 2 * headShare].map((share) =>
    Math.round(rows * share),
  );
  return {
    widths,
    tailCounts: [...new Set(counts)].filter((count) => 2 * count < rows).sort((a, b) => a - b),
  };
}

/**
 * Errors of codebooks that leave the reserved entries out; where they are fitted on all entries, an estimate.
 * @param weights [rows, columns] row-major
 */
export async function measureColumnErrors(
  pool: KernelPool,
  weights: Float32Array,
  rows: number,
  columns: number,
  budget: Budget,
): Promise<ColumnErrors> {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const matrix = copyMatrix(arena, weights, { rows, columns });
    return await columnErrors(pool, matrix, candidates(rows, budget));
  } finally {
    arena.release(mark);
  }
}

/**
 * Spends the stored bits that `planByOrder` would spend under the same budget on the upgrades that lower
 * sum_j sensitivity_j * SSE_j most per bit (Lagrangian relaxation: a walk down the convex hulls of all columns).
 * @param sensitivity what a squared error in the column costs: D of the factorization, by column
 */
export function planByBenefit(
  table: ColumnErrors,
  sensitivity: Float64Array,
  rows: number,
  budget: Budget,
): ColumnPlan {
  const columns = sensitivity.length;
  const options = table.tailCounts.flatMap((tail, t) =>
    table.widths.map((width, w) => ({
      tail,
      width,
      at: t * table.widths.length + w,
      bits: columnBits(rows, width, 2 * tail),
    })),
  );
  options.sort((a, b) => a.bits - b.bits);
  const cheapest = options[0];
  if (cheapest === undefined) throw new TypeError('no widths to choose from');

  const upgrades = new Upgrades(
    options.map(({ bits }) => bits),
    columns,
  );
  const losses = new Float64Array(options.length);
  for (let column = 0; column < columns; column++) {
    const first = column * options.length;
    for (const [option, { at }] of options.entries()) {
      losses[option] = (table.errors[first + at] ?? 0) * (sensitivity[column] ?? 0);
    }
    upgrades.add(losses);
  }
  const classes = mostClassBits(columns, options.length, Math.max(...table.tailCounts) > 0);
  const chosen = upgrades.spend(budgetedBits(rows, columns, budget) - classes - columns * cheapest.bits);
  const tails = Int32Array.from(chosen, (option) => options[option]?.tail ?? 0);
  return {
    widths: Uint8Array.from(chosen, (option) => options[option]?.width ?? cheapest.width),
    reservedLow: tails,
    reservedHigh: tails,
  };
}

/** Stored bits of the matrix under the plan by any order: the head and the rest have fixed sizes. */
function budgetedBits(rows: number, columns: number, budget: Budget): number {
  const plan = planByOrder(
    Int32Array.from({ length: columns }, (_, column) => column),
    rows,
    budget,
  );
  return 8 * totalBytes(packedBytes({ rows, columns }, columnClasses(plan)));
}

/** What the matrix takes beside its columns, at most: as many classes as there are options, and the end of the last byte. */
export function mostClassBits(columns: number, options: number, reserving: boolean): number {
  const classes = Math.min(columns, options);
  // The sum is in whole bytes, so codes alone need no room to be rounded up; codes and positions do.
  return 8 * classTableBytes(columns, classes) + (reserving ? 7 : 0);
}

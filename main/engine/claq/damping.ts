import { ClaqError } from '../../../shared/errors.ts';
import { overflowRemedy } from '../tensors/forward-product.ts';

export interface FactorOptions {
  /** Share of the mean of the diagonal that is added to it (the paper: 0.01). */
  readonly percdamp: number;
  /** Columns by descending diag(H), or in their own order. */
  readonly actOrder: boolean;
  /** Names the matrices, for errors. */
  readonly where: string;
}

/** What a Hessian's diagonal decides before it is factored. */
export interface DiagonalChoices {
  /** Column at each position of processing. */
  readonly order: Int32Array;
  /** 1 for columns whose inputs were always zero: their diagonal counts as 1, and their weights become zero. */
  readonly dead: Uint8Array;
  /** Of the diagonal, dead columns counted as 1: what shares of damping refer to. */
  readonly mean: number;
}

/** Damping is raised tenfold this often before a Hessian is given up. */
const DAMPING_RETRIES = 3;

/** @param diagonal diag(H), [columns]. Throws ClaqError hessian/not-finite. */
export function readDiagonal(diagonal: Float64Array, { actOrder, where }: FactorOptions): DiagonalChoices {
  checkFinite(diagonal, where);
  const alive = diagonal.map((value) => (value === 0 ? 1 : value));
  return {
    order: processingOrder(alive, actOrder),
    dead: Uint8Array.from(diagonal, (value) => (value === 0 ? 1 : 0)),
    mean: alive.reduce((sum, value) => sum + value, 0) / diagonal.length,
  };
}

/** Act-order: columns by descending diag(H), ties by index; or their own order. */
export function processingOrder(diagonal: Float64Array, actOrder: boolean): Int32Array {
  const order = Int32Array.from(diagonal.keys());
  return actOrder ? order.sort((a, b) => (diagonal[b] ?? 0) - (diagonal[a] ?? 0) || a - b) : order;
}

/** D by the column's own index, from D by position; 0 for dead columns, whose errors cost nothing. */
export function sensitivityOf(byPosition: Float64Array, { order, dead }: DiagonalChoices): Float64Array {
  const sensitivity = new Float64Array(order.length);
  for (const [position, column] of order.entries())
    sensitivity[column] = dead[column] === 1 ? 0 : (byPosition[position] ?? 0);
  return sensitivity;
}

/**
 * Tries the damping that was asked for, and more where the matrix is not positive definite with it.
 * @param attempt undefined where the factorization fails
 * Throws ClaqError hessian/not-positive-definite.
 */
export async function dampUntilFactored<T>(
  { percdamp, where }: FactorOptions,
  attempt: (damping: number) => T | undefined | Promise<T | undefined>,
): Promise<T> {
  for (let retry = 0; retry <= DAMPING_RETRIES; retry++) {
    const factor = await attempt(percdamp * 10 ** retry);
    if (factor !== undefined) return factor;
  }
  throw new ClaqError('hessian/not-positive-definite', 'The Hessian could not be factored', {
    where,
    expected: 'a positive definite matrix after damping',
    found: `none at damping ${percdamp} to ${percdamp * 10 ** DAMPING_RETRIES}`,
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

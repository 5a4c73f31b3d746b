/**
 * Spends a budget of stored bytes over all columns of all matrices of a model: the widths and numbers of reserved entries with
 * which the columns lose least. Lagrangian relaxation (Shoham and Gersho 1988): every column takes its least
 * loss + price * bits, at the price of a bit at which the sum comes to the budget.
 */
import { fillBudget } from './allocation-fill.ts';
import { chosenOptions, columnHulls, gainsBetween, marginalGain } from './allocation-hulls.ts';
import {
  type AllocationMatrix,
  type ColumnAllocation,
  MAX_OPTIONS,
  bitsBesideColumns,
  bitsOfOptions,
  bytesOfCounts,
  columnAllocation,
  countOptions,
  lossOf,
} from './allocation-matrix.ts';
import { offeredOptions } from './allocation-options.ts';
import { ClaqError } from './errors.ts';
import { readableBytes } from './readable-quantities.ts';

export interface Allocation {
  /** In the order of the matrices. */
  readonly matrices: readonly ColumnAllocation[];
  /** Packed bytes of all matrices, exact. */
  readonly bytes: number;
  /** Sum over all columns, in the unit of the matrices' losses. */
  readonly loss: number;
  /** What the loss falls by for one more byte, at the margin; 0 where nothing is left to gain. */
  readonly lossPerByte: number;
}

/**
 * Near the best, not always the best: with a few columns, where a class takes as much as a column, a somewhat smaller budget
 * can do better.
 * @param budget bytes of the packed matrices all together; never gone over, and spent until no upgrade of a single column fits
 * Throws ClaqError budget/cannot-be-met where the cheapest options are over it.
 */
export function allocate(matrices: readonly AllocationMatrix[], budget: number): Allocation {
  for (const matrix of matrices) checkMatrix(matrix);
  const best = matrices.map(leastLossOptions);
  if (bytesOf(matrices, best) <= budget) return allocation(matrices, best, 0);

  const least = leastBytes(matrices);
  if (least > budget) {
    throw new ClaqError('budget/cannot-be-met', 'The matrices do not fit in this size', {
      expected: `at least ${least} bytes (${readableBytes(least)})`,
      found: `${budget} bytes`,
      remedy: 'allow more',
    });
  }
  return search(matrices, budget);
}

/** Bytes of the smallest allocation that there is. */
export function leastBytes(matrices: readonly AllocationMatrix[]): number {
  return bytesOf(matrices, matrices.map(cheapestOptions));
}

/**
 * Which options are worth their class depends on the price of a bit, and the price on the options: the two are sought in
 * turn, within a bracket of prices, until one more round would change next to nothing. More than one or two are needed
 * close to the smallest budget and where columns are few.
 */
const ROUNDS = 12;
const SETTLED = 0.02;

function search(matrices: readonly AllocationMatrix[], budget: number): Allocation {
  let price = firstPrice(matrices, budget);
  let [low, high] = [0, Infinity];
  let settled = '';
  let found: Allocation | undefined;
  for (let round = 0; round < ROUNDS; round++) {
    const at = price;
    const offered = matrices.map((matrix) => offeredOptions(matrix, at));
    const hulls = matrices.map((matrix, index) => columnHulls(matrix, offered[index] ?? []));
    const limit = columnBitsWithin(matrices, budget, (index) => offered[index]?.length ?? 0);
    const margin = marginalGain(hulls, limit);
    if (margin < Infinity && settled !== JSON.stringify(offered)) {
      const next = filled(matrices, chosenOptions(hulls, margin, limit), budget, margin > 0 ? margin : price);
      if (found === undefined || next.loss < found.loss) found = next;
      settled = JSON.stringify(offered);
    }
    if (Math.abs(margin - price) <= SETTLED * price) break;
    if (margin > price) low = price;
    else high = price;
    if (high - low <= SETTLED * low) break;
    price = margin > low && margin < high ? margin : between(low, high);
  }
  return found ?? filled(matrices, matrices.map(cheapestOptions), budget, price);
}

/**
 * The price with every option on offer and classes for nothing: near the one sought. Of large models a part of the columns
 * shows it.
 */
function firstPrice(matrices: readonly AllocationMatrix[], budget: number): number {
  const columns = matrices.reduce((sum, { shape }) => sum + shape.columns, 0);
  const step = Math.ceil(columns / SAMPLED_COLUMNS);
  const samples = matrices.map((matrix) => everyNth(matrix, step));
  const limit = columnBitsWithin(matrices, budget, () => 1) * (weightsOf(samples) / weightsOf(matrices));
  const hulls = samples.map((matrix) => columnHulls(matrix, [...matrix.options.keys()]));
  const { flattest, steepest } = gainsBetween(hulls);
  return Math.max(flattest, Math.min(marginalGain(hulls, limit), steepest));
}

const SAMPLED_COLUMNS = 200_000;

function everyNth(matrix: AllocationMatrix, step: number): AllocationMatrix {
  if (step <= 1) return matrix;
  const { shape, options, losses } = matrix;
  const columns = Math.ceil(shape.columns / step);
  const sampled = new Float32Array(columns * options.length);
  for (let column = 0; column < columns; column++) {
    const from = column * step * options.length;
    sampled.set(losses.subarray(from, from + options.length), column * options.length);
  }
  return { ...matrix, shape: { rows: shape.rows, columns }, losses: sampled };
}

function weightsOf(matrices: readonly AllocationMatrix[]): number {
  return matrices.reduce((sum, { shape }) => sum + shape.rows * shape.columns, 0);
}

function between(low: number, high: number): number {
  if (high === Infinity) return 4 * low;
  return low === 0 ? high / 4 : Math.sqrt(low * high);
}

/** Bits of a budget that are left for columns, where matrices have so many classes. */
function columnBitsWithin(
  matrices: readonly AllocationMatrix[],
  budget: number,
  classes: (matrix: number) => number,
): number {
  return matrices.reduce(
    (bits, matrix, index) => bits - bitsBesideColumns(matrix, classes(index)),
    8 * budget,
  );
}

/** @param chosen options of all columns; changed in place */
function filled(
  matrices: readonly AllocationMatrix[],
  chosen: readonly Uint8Array[],
  budget: number,
  price: number,
): Allocation {
  fillBudget(matrices, chosen, budget - bytesOf(matrices, chosen));
  return allocation(matrices, chosen, price);
}

function allocation(
  matrices: readonly AllocationMatrix[],
  chosen: readonly Uint8Array[],
  price: number,
): Allocation {
  const optionsOf = (index: number): Uint8Array => chosen[index] ?? new Uint8Array();
  return {
    matrices: matrices.map((matrix, index) => columnAllocation(matrix, optionsOf(index))),
    bytes: bytesOf(matrices, chosen),
    loss: matrices.reduce((sum, matrix, index) => sum + lossOf(matrix, optionsOf(index)), 0),
    lossPerByte: 8 * price,
  };
}

function bytesOf(matrices: readonly AllocationMatrix[], chosen: readonly Uint8Array[]): number {
  return matrices.reduce(
    (bytes, matrix, index) =>
      bytes + bytesOfCounts(matrix, countOptions(matrix, chosen[index] ?? new Uint8Array())),
    0,
  );
}

/** All columns with one option: a second class takes more than it could save. */
function cheapestOptions(matrix: AllocationMatrix): Uint8Array {
  const { options, shape } = matrix;
  let [cheapest, least] = [0, Infinity];
  for (const option of options.keys()) {
    const bytes = bytesOfCounts(
      matrix,
      options.map((_, other) => (other === option ? shape.columns : 0)),
    );
    if (bytes < least) [cheapest, least] = [option, bytes];
  }
  return new Uint8Array(shape.columns).fill(cheapest);
}

/** Every column with the option that loses least, the cheapest of them. */
function leastLossOptions(matrix: AllocationMatrix): Uint8Array {
  const { losses, shape } = matrix;
  const bits = bitsOfOptions(matrix);
  const stride = bits.length;
  const chosen = new Uint8Array(shape.columns);
  for (let column = 0; column < chosen.length; column++) {
    let best = 0;
    for (let option = 1; option < stride; option++) {
      const less = (losses[column * stride + best] ?? 0) - (losses[column * stride + option] ?? 0);
      if (less > 0 || (less === 0 && (bits[option] ?? 0) < (bits[best] ?? 0))) best = option;
    }
    chosen[column] = best;
  }
  return chosen;
}

function checkMatrix({ shape, options, losses }: AllocationMatrix): void {
  const distinct = new Set(options.map(({ width, reserved }) => `${width},${reserved}`));
  if (distinct.size === 0 || distinct.size > MAX_OPTIONS || distinct.size !== options.length) {
    throw new TypeError(`${options.length} options, ${distinct.size} of them distinct`);
  }
  if (losses.length !== shape.columns * options.length) {
    throw new TypeError(`${losses.length} losses of ${shape.columns} columns and ${options.length} options`);
  }
}

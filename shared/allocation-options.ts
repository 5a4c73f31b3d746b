/**
 * Which of the options a matrix's columns may get. Every class of columns takes its place in the class table, and the more
 * there are the more bits name a column's: with few rows, rarely used options cost more than they save.
 */
import { type AllocationMatrix, bitsOfClasses, bitsOfOptions } from './allocation-matrix.ts';

/**
 * The options with the least loss + price * bits, classes counted, as far as taking away one after another finds them
 * (backward elimination: each time the one whose columns do best without it). Among 40 options, all sets cannot be tried.
 * @param price of a bit, in the unit of the losses, finite
 * @returns indices of options, ascending
 */
export function offeredOptions(matrix: AllocationMatrix, price: number): number[] {
  const { shape } = matrix;
  const stride = matrix.options.length;
  const costs = lagrangianCosts(matrix, price);
  // Of every column the option that is best for it, and the next best, for when the best one is taken away.
  const best = new Uint8Array(shape.columns);
  const second = new Uint8Array(shape.columns);

  let offered = Array.from({ length: stride }, (_, option) => option);
  for (let column = 0; column < shape.columns; column++) rank(costs, stride, column, offered, best, second);
  let kept = offered;
  let keptCost = Infinity;
  for (;;) {
    const { cost, increases, uses } = withoutEach(costs, stride, best, second);
    const all = cost + price * bitsOfClasses(shape, offered.length);
    // As good with fewer classes is better: what they take is sure.
    if (all <= keptCost) [kept, keptCost] = [offered, all];
    if (offered.length === 1) return kept;
    const used = offered.filter((option) => uses[option] !== 0);
    const rest = used.length < offered.length ? used : without(leastOf(offered, increases), offered);
    offered = rest;
    const stays = new Uint8Array(stride);
    for (const option of offered) stays[option] = 1;
    for (let column = 0; column < shape.columns; column++) {
      if (stays[best[column] ?? 0] === 1 && stays[second[column] ?? 0] === 1) continue;
      rank(costs, stride, column, offered, best, second);
    }
  }
}

/** [columns][options]: loss + price * bits. */
function lagrangianCosts(matrix: AllocationMatrix, price: number): Float64Array {
  const { losses, options } = matrix;
  const bits = bitsOfOptions(matrix);
  const costs = new Float64Array(losses.length);
  for (let first = 0; first < costs.length; first += options.length) {
    for (let option = 0; option < options.length; option++) {
      costs[first + option] = (losses[first + option] ?? 0) + price * (bits[option] ?? 0);
    }
  }
  return costs;
}

/** Writes a column's two cheapest of the options on offer; where there is one alone, it is both. */
function rank(
  costs: Float64Array,
  stride: number,
  column: number,
  offered: readonly number[],
  best: Uint8Array,
  second: Uint8Array,
): void {
  const first = column * stride;
  let [least, next] = [Infinity, Infinity];
  let [leastAt, nextAt] = [offered[0] ?? 0, offered[0] ?? 0];
  for (const option of offered) {
    const cost = costs[first + option] ?? 0;
    if (cost < least) {
      next = least;
      nextAt = leastAt;
      least = cost;
      leastAt = option;
    } else if (cost < next) {
      next = cost;
      nextAt = option;
    }
  }
  best[column] = leastAt;
  second[column] = nextAt;
}

/** The cost of the best options of all columns, what it would rise by without each option, and whose best it is. */
function withoutEach(
  costs: Float64Array,
  stride: number,
  best: Uint8Array,
  second: Uint8Array,
): { readonly cost: number; readonly increases: Float64Array; readonly uses: Int32Array } {
  const increases = new Float64Array(stride);
  const uses = new Int32Array(stride);
  let cost = 0;
  for (let column = 0; column < best.length; column++) {
    const option = best[column] ?? 0;
    const least = costs[column * stride + option] ?? 0;
    cost += least;
    increases[option] =
      (increases[option] ?? 0) + (costs[column * stride + (second[column] ?? 0)] ?? 0) - least;
    uses[option] = (uses[option] ?? 0) + 1;
  }
  return { cost, increases, uses };
}

function leastOf(options: readonly number[], values: Float64Array): number {
  let [least = 0] = options;
  for (const option of options) if ((values[option] ?? 0) < (values[least] ?? 0)) least = option;
  return least;
}

function without(option: number, options: readonly number[]): number[] {
  return options.filter((other) => other !== option);
}

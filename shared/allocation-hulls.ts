/**
 * Lower convex hulls of all columns' (bits, loss), and the price of a bit at which a walk down all of them comes to a budget
 * (Shoham and Gersho 1988, "Efficient bit allocation for an arbitrary set of quantizers").
 */
import { type AllocationMatrix, bitsOfOptions } from './allocation-matrix.ts';

/**
 * The hulls of a matrix's columns, one after another. A column's first point is its cheapest option: a step that gains
 * without limit, as the column must be stored somehow.
 */
export interface ColumnHulls {
  /** [columns + 1]: where a column's points start. */
  readonly starts: Int32Array;
  readonly options: Uint8Array;
  /** Drop in loss per bit of the step to a point; falls along a column. */
  readonly gains: Float32Array;
  /** Bits of the step. */
  readonly bits: Int32Array;
}

/** @param offered the options that columns may get, at least one */
export function columnHulls(matrix: AllocationMatrix, offered: readonly number[]): ColumnHulls {
  const { losses, shape } = matrix;
  const stride = matrix.options.length;
  const costOf = bitsOfOptions(matrix);
  const options = Uint8Array.from(offered).sort((a, b) => (costOf[a] ?? 0) - (costOf[b] ?? 0) || a - b);
  const costs = Float64Array.from(options, (option) => costOf[option] ?? 0);
  const points = options.length;

  const starts = new Int32Array(shape.columns + 1);
  const hullOptions = new Uint8Array(shape.columns * points);
  const hullGains = new Float32Array(shape.columns * points);
  const hullBits = new Int32Array(shape.columns * points);
  // The hull of the column at hand.
  const places = new Uint8Array(points);
  const heights = new Float64Array(points);
  const slopes = new Float64Array(points);
  let end = 0;
  for (let column = 0; column < shape.columns; column++) {
    const first = column * stride;
    let top = 0;
    let [lastLoss, lastCost, lastSlope] = [Infinity, 0, Infinity];
    for (let place = 0; place < points; place++) {
      const loss = losses[first + (options[place] ?? 0)] ?? 0;
      if (loss >= lastLoss) continue;
      const cost = costs[place] ?? 0;
      let slope = top === 0 ? Infinity : (lastLoss - loss) / (cost - lastCost);
      // The last point goes where the way to it gains no more per bit than the way on.
      while (top > 0 && slope >= lastSlope) {
        top--;
        lastLoss = heights[top - 1] ?? Infinity;
        lastCost = costs[places[top - 1] ?? 0] ?? 0;
        lastSlope = slopes[top - 1] ?? Infinity;
        slope = top === 0 ? Infinity : (lastLoss - loss) / (cost - lastCost);
      }
      places[top] = place;
      heights[top] = loss;
      slopes[top] = slope;
      top++;
      lastLoss = loss;
      lastCost = cost;
      lastSlope = slope;
    }
    let before = 0;
    for (let point = 0; point < top; point++) {
      const place = places[point] ?? 0;
      const cost = costs[place] ?? 0;
      hullOptions[end] = options[place] ?? 0;
      hullGains[end] = slopes[point] ?? 0;
      hullBits[end] = cost - before;
      before = cost;
      end++;
    }
    starts[column + 1] = end;
  }
  return {
    starts,
    options: hullOptions.slice(0, end),
    gains: hullGains.slice(0, end),
    bits: hullBits.slice(0, end),
  };
}

/**
 * The bit pattern of a positive float in three digits, the highest first: [lowest bit, number of bits]. Such patterns are in
 * the order of the floats.
 */
const DIGITS = [
  [20, 11],
  [10, 10],
  [0, 10],
] as const;

/**
 * The price of a bit at which the budget is spent: all steps that gain more per bit than this fit in `limit` bits, those that
 * gain as much do not all. 0 where everything fits, Infinity where not even the cheapest options do.
 * Exact, by three passes over the steps instead of a bisection: each sums up the bits by one digit of the gain and finds the
 * digit at the margin.
 */
export function marginalGain(hulls: readonly ColumnHulls[], limit: number): number {
  let margin = 0;
  let left = limit;
  for (const [shift, width] of DIGITS) {
    const sums = new Float64Array(1 << width);
    for (const { gains, bits } of hulls) {
      const patterns = new Uint32Array(gains.buffer, gains.byteOffset, gains.length);
      for (let step = 0; step < patterns.length; step++) {
        const pattern = patterns[step] ?? 0;
        if (pattern >>> (shift + width) !== margin) continue;
        const digit = (pattern >>> shift) & (sums.length - 1);
        sums[digit] = (sums[digit] ?? 0) + (bits[step] ?? 0);
      }
    }
    let digit = sums.length - 1;
    while (digit >= 0 && (sums[digit] ?? 0) <= left) left -= sums[digit--] ?? 0;
    if (digit < 0) return 0;
    margin = (margin << width) | digit;
  }
  const [gain = 0] = new Float32Array(Uint32Array.of(margin).buffer);
  return gain;
}

/** The least and the greatest gain of all steps beyond the cheapest options; 0 where there are none. */
export function gainsBetween(hulls: readonly ColumnHulls[]): {
  readonly flattest: number;
  readonly steepest: number;
} {
  let [flattest, steepest] = [Infinity, 0];
  for (const { gains } of hulls) {
    for (const gain of gains) {
      if (gain === Infinity || gain === 0) continue;
      flattest = Math.min(flattest, gain);
      steepest = Math.max(steepest, gain);
    }
  }
  return { flattest: Math.min(flattest, steepest), steepest };
}

/**
 * The option of every column at a price: all steps that gain more per bit, and of those that gain as much the first, by matrix
 * and column, that still fit in the limit.
 * @returns Uint8Array [columns] of each matrix
 */
export function chosenOptions(hulls: readonly ColumnHulls[], price: number, limit: number): Uint8Array[] {
  let left = limit;
  for (const { gains, bits } of hulls) {
    for (let step = 0; step < gains.length; step++) {
      if ((gains[step] ?? 0) > price) left -= bits[step] ?? 0;
    }
  }
  return hulls.map(({ starts, options, gains, bits }) => {
    const chosen = new Uint8Array(starts.length - 1);
    for (let column = 0; column < chosen.length; column++) {
      const end = starts[column + 1] ?? 0;
      for (let step = starts[column] ?? 0; step < end; step++) {
        const gain = gains[step] ?? 0;
        if (gain < price) break;
        if (gain === price) {
          if ((bits[step] ?? 0) > left) break;
          left -= bits[step] ?? 0;
        }
        chosen[column] = options[step] ?? 0;
      }
    }
    return chosen;
  });
}

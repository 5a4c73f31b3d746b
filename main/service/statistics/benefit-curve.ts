/**
 * What a matrix loses when its bits are spent column by column where they pay most: the plan by benefit (engine's
 * claq/benefit.ts) for every budget at once, on errors between the analysed ones.
 */
import {
  ANALYSED_ERRORS,
  type ErrorPlace,
  errorBetween,
  errorPlace,
} from '../../../shared/analysed-errors.ts';
import { columnBits } from '../../../shared/bits.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { BENEFIT_POINTS, type BenefitBudget } from '../../../shared/loss-profile.ts';
import { candidates, mostClassBits } from '../../engine/claq/benefit.ts';
import { HALF_VALUES, halfPatterns } from './half-values.ts';

/** Bits a weight and error of each point. */
export const NUMBERS_A_CURVE = BENEFIT_POINTS * 2;

/** What a matrix' columns cost at the analysed widths and shares. */
export interface MatrixCosts {
  readonly rows: number;
  /** Weighted sum of squares of each column. */
  readonly energies: Float64Array;
  /** [columns][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS], relative to `energies`. */
  readonly errors: Float16Array;
}

/** A width and reserved entries that a column may get. */
interface Option {
  readonly bits: number;
  readonly place: ErrorPlace;
}

/**
 * The curve of one matrix: BENEFIT_POINTS points at equal distances from the cheapest to the dearest choice.
 *
 * @param curve receives [BENEFIT_POINTS][2]: stored bits a weight, error
 * @throws ClaqError request/invalid where the lower width is not the lower one
 */
export function benefitCurve(costs: MatrixCosts, budget: BenefitBudget, curve: Float32Array): void {
  const { rows, energies } = costs;
  const columns = energies.length;
  const { options, classBits } = optionsOf(rows, columns, budget);
  const steps = new HullSteps(options.map(({ bits }) => bits));
  const below = Int32Array.from(options, ({ place }) => place.below);
  const patterns = halfPatterns(costs.errors);
  const losses = new Float64Array(options.length);
  // Most options are analysed ones, whose errors need no arithmetic.
  const between = options.flatMap(({ place }, option) =>
    place.part === 0 && place.factor === 1 ? [] : [{ option, place }],
  );
  for (let column = 0; column < columns; column++) {
    const energy = energies[column] ?? 0;
    if (energy === 0) continue;
    const first = column * ANALYSED_ERRORS;
    for (let option = 0; option < losses.length; option++) {
      losses[option] = energy * (HALF_VALUES[patterns[first + (below[option] ?? 0)] ?? 0] ?? 0);
    }
    for (const { option, place } of between) {
      const error = HALF_VALUES[patterns[first + place.below] ?? 0] ?? 0;
      const next = HALF_VALUES[patterns[first + place.above] ?? 0] ?? 0;
      losses[option] = energy * errorBetween(error, next, place);
    }
    steps.add(losses);
  }
  const cheapest = classBits + columns * (options[0]?.bits ?? 0);
  steps.sample(cheapest, rows * columns, curve);
}

function optionsOf(
  rows: number,
  columns: number,
  { low, high, headShare, restShare }: BenefitBudget,
): { options: Option[]; classBits: number } {
  if (low > high) {
    throw new ClaqError('request/invalid', 'The lower width comes first', { found: `${low} and ${high}` });
  }
  const reservation =
    headShare === 0 && restShare === 0 ? undefined : { nominalBits: 0, headColumns: 0, headShare, restShare };
  const { widths, tailCounts } = candidates(rows, { precision: { low, high, average: low }, reservation });
  const options = tailCounts.flatMap((tail) =>
    widths.map((width): Option => ({
      bits: columnBits(rows, width, 2 * tail),
      place: errorPlace(rows, width, tail),
    })),
  );
  options.sort((a, b) => a.bits - b.bits);
  return {
    options,
    classBits: mostClassBits(
      columns,
      options.length,
      tailCounts.some((tail) => tail > 0),
    ),
  };
}

/** Steps whose gains differ by less than a 64th are taken together: the pattern of a float32 without its last 17 bits. */
const GAIN_SHIFT = 17;
const GAINS = 2 ** (31 - GAIN_SHIFT);

/** All columns' steps along the lower convex hulls of (bits, loss), the largest drop in loss a bit first. */
class HullSteps {
  readonly #bits: Float64Array;
  readonly #hull: Int32Array;
  /** Of each gain: bits that its steps take, loss that they save. */
  readonly #bitsOfGain = new Float64Array(GAINS);
  readonly #lossOfGain = new Float64Array(GAINS);
  readonly #gain = new Float32Array(1);
  readonly #pattern = new Uint32Array(this.#gain.buffer);
  #least = GAINS;
  #largest = 0;
  /** With every column's cheapest choice. */
  #loss = 0;

  /** @param bits of each option, ascending */
  constructor(bits: readonly number[]) {
    this.#bits = Float64Array.from(bits);
    this.#hull = new Int32Array(bits.length);
  }

  /** @param losses of one column at each option */
  add(losses: Float64Array): void {
    const bits = this.#bits;
    const hull = this.#hull;
    let top = 0;
    hull[0] = 0;
    for (let option = 1; option < bits.length; option++) {
      const bit = bits[option] ?? 0;
      const loss = losses[option] ?? 0;
      // More bits for no smaller loss are no choice.
      if (loss >= (losses[hull[top] ?? 0] ?? 0)) continue;
      while (top > 0) {
        const last = hull[top] ?? 0;
        const before = hull[top - 1] ?? 0;
        const lossOfLast = losses[last] ?? 0;
        const bitsOfLast = bits[last] ?? 0;
        const toLast = ((losses[before] ?? 0) - lossOfLast) * (bit - bitsOfLast);
        const fromLast = (lossOfLast - loss) * (bitsOfLast - (bits[before] ?? 0));
        if (toLast > fromLast) break;
        top -= 1;
      }
      top += 1;
      hull[top] = option;
    }
    this.#loss += losses[0] ?? 0;
    for (let step = 1; step <= top; step++) {
      const from = hull[step - 1] ?? 0;
      const to = hull[step] ?? 0;
      this.#take((bits[to] ?? 0) - (bits[from] ?? 0), (losses[from] ?? 0) - (losses[to] ?? 0));
    }
  }

  #take(more: number, saved: number): void {
    this.#gain[0] = more > 0 ? saved / more : Infinity;
    const gain = (this.#pattern[0] ?? 0) >>> GAIN_SHIFT;
    this.#bitsOfGain[gain] = (this.#bitsOfGain[gain] ?? 0) + more;
    this.#lossOfGain[gain] = (this.#lossOfGain[gain] ?? 0) + saved;
    if (gain < this.#least) this.#least = gain;
    if (gain > this.#largest) this.#largest = gain;
  }

  /**
   * @param cheapest bits before the first step
   * @param weights that bits are told of
   */
  sample(cheapest: number, weights: number, curve: Float32Array): void {
    let all = 0;
    for (let gain = this.#least; gain <= this.#largest; gain++) all += this.#bitsOfGain[gain] ?? 0;
    let spent = 0;
    let loss = this.#loss;
    let point = 0;
    const put = (bits: number, error: number): void => {
      curve[2 * point] = (cheapest + bits) / weights;
      curve[2 * point + 1] = Math.max(0, error);
      point += 1;
    };
    const wanted = (): number => (all * point) / (BENEFIT_POINTS - 1);
    put(0, loss);
    for (let gain = this.#largest; gain >= this.#least; gain--) {
      const bits = this.#bitsOfGain[gain] ?? 0;
      if (bits === 0) continue;
      const saved = this.#lossOfGain[gain] ?? 0;
      while (point < BENEFIT_POINTS - 1 && wanted() <= spent + bits) {
        put(wanted(), loss - saved * ((wanted() - spent) / bits));
      }
      spent += bits;
      loss -= saved;
    }
    while (point < BENEFIT_POINTS) put(all, loss);
  }
}

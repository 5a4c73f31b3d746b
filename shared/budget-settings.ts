/**
 * Every setting of one slider that makes a difference: widths and reserved entries come in whole columns and entries, so that
 * an average of AP, or bits of OR, stand for the same plan over a stretch of values.
 */
import {
  MAX_RESERVATION_BITS,
  MAX_TAIL_SHARE,
  MAX_WIDTH,
  MIN_WIDTH,
  type ReservationBudget,
  outlierReservation,
} from './budget.ts';
import type { MatrixShape } from './model.ts';
import type { BudgetRequest } from './requests.ts';

/** Ascending: a setting behind another takes no fewer bytes, but for the few below. */
export interface BudgetSettings {
  readonly count: number;
  /** The budget of a setting, with a value of few digits. */
  readonly request: (index: number) => BudgetRequest;
  /**
   * Ascending, first and last among them: settings at which a matrix may have fewer classes of columns than at those beside it,
   * and so fewer bytes.
   */
  readonly special: readonly number[];
}

/** Nearer together than this, two values are one. */
const RESOLUTION = 1e-8;
/** A value keeps this distance from those at which the plan changes. */
const MARGIN = 1e-9;

/**
 * AP at every average; OR as it is. Between its own widths where the request names them, else with those that an average has
 * where nobody says.
 * @param shapes of the matrices that the budget is for
 */
export function precisionSettings(
  shapes: readonly MatrixShape[],
  request: BudgetRequest,
  reservation: ReservationBudget | undefined,
): BudgetSettings[] {
  const { apWidths } = request;
  const rest = reservationParts(request, reservation);
  const pairs = apWidths === undefined ? PAIRS : [[...apWidths, apWidths[1]] as const];
  const columns = shapes.map((shape) => shape.columns);
  const turns = turningPoints(columns.map((each) => [each, 1]));
  // Where none, all, or just the head of OR are wide: in whole columns of each matrix no farther off than this.
  const near = 1 / Math.min(...columns);
  const special = [0, reservation?.headColumns ?? 0, 1].flatMap((share) =>
    range(firstAbove(turns, share - near), firstAbove(turns, share + near)),
  );
  return pairs.map(([low, high, to]) => {
    const most = (to - low) / (high - low);
    // Setting i has shares from turn i - 1 to turn i.
    const count = to === high ? turns.length + 1 : firstAbove(turns, most) + 1;
    const average = (index: number): number => {
      if (index === 0) return low;
      // All columns wide; below 3 bits {2,4} never comes to that.
      if (index === turns.length) return high;
      const until = Math.min(turns[index] ?? 1, most);
      return roundest(low + (high - low) * (turns[index - 1] ?? 0), low + (high - low) * until);
    };
    return {
      count,
      special: withEnds(special, count),
      request: (index) => ({ apAverage: average(index), ...(apWidths && { apWidths }), ...rest }),
    };
  });
}

/** Widths that an average has where nobody says, and up to which average it has them. */
const PAIRS: readonly (readonly [low: number, high: number, to: number])[] = Array.from(
  { length: MAX_WIDTH - MIN_WIDTH },
  (_, index) => {
    const low = MIN_WIDTH + index;
    return low === 2 ? [2, 4, 3] : [low, low + 1, low + 1];
  },
);

/** OR of every size, its two shares in the same ratio; AP as it is. */
export function reservationSettings(
  shapes: readonly MatrixShape[],
  request: BudgetRequest,
  average: number,
  reservation: ReservationBudget | undefined,
): BudgetSettings {
  const { apWidths, orColumns } = request;
  const precision = { apAverage: average, ...(apWidths && { apWidths }) };
  const known =
    reservation ?? outlierReservation(SMALL_BITS, orColumns === undefined ? undefined : orColumns / 100);
  const { nominalBits = SMALL_BITS, headShare = 0, restShare = 0 } = known ?? {};
  const [head, rest] = [headShare / nominalBits, restShare / nominalBits];
  const most = Math.min(MAX_RESERVATION_BITS, MAX_TAIL_SHARE / Math.max(head, rest)) * (1 - RESOLUTION);
  const turns = turningPoints(
    shapes.flatMap(({ rows }) => [head, rest].map((share): [number, number] => [rows * share, most])),
  );
  const count = turns.length + 1;
  const ownShares = request.orShares !== undefined && reservation !== undefined;
  const parts = (bits: number): BudgetRequest => {
    if (bits === 0) return { orBits: 0 };
    const columns = orColumns === undefined ? {} : { orColumns };
    if (!ownShares) return { orBits: bits, ...columns };
    return { orShares: [percent(head * bits), percent(rest * bits)], ...columns };
  };
  return {
    count,
    special: withEnds([], count),
    request: (index) => ({
      ...precision,
      ...parts(index === 0 ? 0 : roundest(turns[index - 1] ?? 0, turns[index] ?? most)),
    }),
  };
}

/** Far from every limit, to learn what the shares of a bit are. */
const SMALL_BITS = 0.01;

/** Twelve digits, as many as decimal fractions keep. */
function percent(share: number): number {
  return Number((100 * share).toPrecision(12));
}

/** OR as it is, also where the request had it in a name (2.12). */
export function reservationParts(
  { orShares, orColumns }: BudgetRequest,
  reservation: ReservationBudget | undefined,
): BudgetRequest {
  if (reservation === undefined) return {};
  const columns = orColumns === undefined ? {} : { orColumns };
  return orShares === undefined ? { orBits: reservation.nominalBits, ...columns } : { orShares, ...columns };
}

/**
 * Values up to `most` at which one of the products `scale x value` is rounded to another whole number, ascending.
 * @param products scale and most of each
 */
function turningPoints(products: readonly (readonly [scale: number, most: number])[]): Float64Array {
  const points: number[] = [];
  for (const [scale, most] of new Map(products)) {
    if (scale === 0) continue;
    for (let whole = 1; whole - 0.5 < scale * most; whole++) points.push((whole - 0.5) / scale);
  }
  let last = 0;
  return Float64Array.from(points)
    .sort()
    .filter((point) => {
      if (point - last < RESOLUTION) return false;
      last = point;
      return true;
    });
}

/** Index of the first value that is not below `bound`; their number where all are. */
function firstAbove(ascending: Float64Array, bound: number): number {
  let from = 0;
  let to = ascending.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ascending[middle] ?? 0) < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** [from, to] */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The value of fewest decimals between the two. */
function roundest(from: number, to: number): number {
  for (let digits = 0; digits < 12; digits++) {
    const unit = 10 ** digits;
    const value = (Math.floor((from + MARGIN) * unit) + 1) / unit;
    if (value < to - MARGIN) return value;
  }
  return (from + to) / 2;
}

function withEnds(special: readonly number[], count: number): number[] {
  const inside = special.filter((index) => index < count);
  return [...new Set([0, ...inside, count - 1])].sort((a, b) => a - b);
}

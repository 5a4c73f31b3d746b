/**
 * What the user asks for in bits, and what follows for every column: its width and how many of its entries are reserved.
 * Names are the paper's: AP (adaptive precision) gives the columns at the head of an order more bits, OR (outlier
 * reservation) keeps the two tails of each column at half precision.
 */
import { ClaqError } from './errors.ts';
import type { MatrixShape } from './model.ts';

export const MIN_WIDTH = 1;
export const MAX_WIDTH = 8;

/** AP: two candidate widths and the average over columns. Single precision is low = high = average. */
export interface PrecisionBudget {
  readonly low: number;
  readonly high: number;
  readonly average: number;
}

/** OR: the share of a column's entries that is reserved at *each* tail, for the columns at the head of the order and the rest. */
export interface ReservationBudget {
  /** What the paper's tables count it as, in bits a weight. Stored bits are more: see bits.ts. */
  readonly nominalBits: number;
  /** Share of the columns that get the larger share of reserved entries. */
  readonly headColumns: number;
  readonly headShare: number;
  readonly restShare: number;
}

export interface Budget {
  readonly precision: PrecisionBudget;
  readonly reservation: ReservationBudget | undefined;
}

/** Widths and reserved entries of every column of one matrix, by the column's own index. */
export interface ColumnPlan {
  readonly widths: Uint8Array;
  /** Entries reserved among the smallest and among the largest values of the column. */
  readonly reservedLow: Int32Array;
  readonly reservedHigh: Int32Array;
}

/** The settings of the paper's tables that combine AP and OR. */
const COMBINED_SETTINGS: Readonly<Record<string, readonly [average: number, reservation: number]>> = {
  '2.12': [2.05, 0.07],
  '2.24': [2.1, 0.14],
  '3.12': [3.05, 0.07],
  '3.23': [3.1, 0.13],
};

/** The released code's shares behind the paper's "0.07 bit", 1 % of the entries; other OR budgets scale them. */
const PAPER_BITS = 0.07;
const PAPER_HEAD_COLUMNS = 0.1;
const PAPER_HEAD_SHARE = 0.014;
const PAPER_REST_SHARE = 0.004;

/** A quarter at each tail is half of the column: beyond it, most of what is called quantized would be kept as it is. */
export const MAX_TAIL_SHARE = 0.25;
/** What MAX_TAIL_SHARE in every column would count as is 3.5 bits; more can't be met. */
export const MAX_RESERVATION_BITS = 4;
/** The paper counts 0.07 bits a weight for reserving 1 % of the entries. */
export const NOMINAL_BITS_OF_RESERVED_SHARE = 7;

function checkWidth(width: number): void {
  if (Number.isInteger(width) && width >= MIN_WIDTH && width <= MAX_WIDTH) return;
  throw new ClaqError('budget/out-of-range', 'A width is out of range', {
    expected: `a whole number of bits from ${MIN_WIDTH} to ${MAX_WIDTH}`,
    found: String(width),
  });
}

/** Single precision: every column at the same width. */
export function singlePrecision(width: number): PrecisionBudget {
  checkWidth(width);
  return { low: width, high: width, average: width };
}

/**
 * AP at an average width. The pair is the paper's ({2,4} below 3 bits, {3,4} up to 4), elsewhere the neighbours of the
 * average, unless given.
 */
export function adaptivePrecision(
  average: number,
  pair?: readonly [low: number, high: number],
): PrecisionBudget {
  const [low, high] = pair ?? defaultPair(average);
  checkWidth(low);
  checkWidth(high);
  if (low < high && average >= low && average <= high) return { low, high, average };
  if (low === high && average === low) return singlePrecision(low);
  throw new ClaqError('budget/cannot-be-met', 'The average width cannot be reached with these two widths', {
    expected: `an average from ${low} to ${high} bits, the lower width first`,
    found: `${average} bits from widths ${low} and ${high}`,
    remedy: 'choose an average between the widths, or other widths (--ap-widths)',
  });
}

function defaultPair(average: number): readonly [number, number] {
  if (!(average >= MIN_WIDTH && average <= MAX_WIDTH)) {
    throw new ClaqError('budget/out-of-range', 'The average width is out of range', {
      expected: `${MIN_WIDTH} to ${MAX_WIDTH} bits`,
      found: String(average),
    });
  }
  if (Number.isInteger(average)) return [average, average];
  if (average > 2 && average < 3) return [2, 4];
  return [Math.floor(average), Math.ceil(average)];
}

/**
 * OR by its nominal bits: the paper's two shares, scaled to them. With other head columns than the paper's the two keep
 * their ratio and are scaled to the same bits.
 */
export function outlierReservation(
  bits: number,
  headColumns = PAPER_HEAD_COLUMNS,
): ReservationBudget | undefined {
  if (!(bits >= 0 && bits <= MAX_RESERVATION_BITS)) {
    throw new ClaqError('budget/out-of-range', 'The reservation budget is out of range', {
      expected: `0 to ${MAX_RESERVATION_BITS} nominal bits a weight (the paper: 0.07 and 0.14)`,
      found: String(bits),
    });
  }
  const scale = (bits / PAPER_BITS) * (meanShare(PAPER_HEAD_COLUMNS) / meanShare(headColumns));
  return reservationOfShares([PAPER_HEAD_SHARE * scale, PAPER_REST_SHARE * scale], headColumns);
}

/** Share reserved at a tail over all columns, with the paper's two shares. */
function meanShare(headColumns: number): number {
  return headColumns * PAPER_HEAD_SHARE + (1 - headColumns) * PAPER_REST_SHARE;
}

/** OR by the shares reserved at each tail; its nominal bits follow. Undefined where nothing is reserved. */
export function reservationOfShares(
  [headShare, restShare]: readonly [head: number, rest: number],
  headColumns = PAPER_HEAD_COLUMNS,
): ReservationBudget | undefined {
  for (const [name, value, limit] of [
    ['share of the head columns', headColumns, 1],
    ['share reserved at each tail', headShare, MAX_TAIL_SHARE],
    ['share reserved at each tail', restShare, MAX_TAIL_SHARE],
  ] as const) {
    if (!(value >= 0 && value <= limit)) {
      throw new ClaqError('budget/out-of-range', `The ${name} is out of range`, {
        expected: `0 to ${limit * 100} %`,
        found: `${value * 100} %`,
      });
    }
  }
  const reserved = 2 * (headColumns * headShare + (1 - headColumns) * restShare);
  if (reserved === 0) return undefined;
  // Twelve digits: the paper's 0.07 shall be that, not 0.07000000000000002.
  const nominalBits = Number((NOMINAL_BITS_OF_RESERVED_SHARE * reserved).toPrecision(12));
  return { nominalBits, headColumns, headShare, restShare };
}

/** A budget by the paper's name: a whole number of bits, one of its AP + OR settings, or the average of an AP alone. */
export function budgetOfBits(bits: number): Budget {
  const combined = COMBINED_SETTINGS[String(bits)];
  if (combined === undefined) return { precision: adaptivePrecision(bits), reservation: undefined };
  const [average, reservation] = combined;
  return { precision: adaptivePrecision(average), reservation: outlierReservation(reservation) };
}

/** The paper's figure for a budget: index bits averaged over columns, plus what it counts for OR. */
export function nominalBits(budget: Budget): number {
  return budget.precision.average + (budget.reservation?.nominalBits ?? 0);
}

/** "2.12 (AP 2.05 of {2,4} + OR 0.07)", for people. */
export function describeBudget(budget: Budget): string {
  const { precision, reservation } = budget;
  const adaptive =
    precision.low === precision.high
      ? `${precision.average}`
      : `AP ${precision.average} of {${precision.low},${precision.high}}`;
  if (reservation === undefined) return adaptive;
  const rounded = (bits: number): number => Number(bits.toFixed(4));
  return `${rounded(nominalBits(budget))} (${adaptive} + OR ${rounded(reservation.nominalBits)})`;
}

/** Entries reserved among the smallest and the largest values of a column. */
export interface TailCounts {
  readonly low: number;
  readonly high: number;
}

/** As many entries at each tail as the share says. */
export function exactTails(rows: number, share: number): TailCounts {
  const count = Math.round(rows * share);
  return { low: count, high: count };
}

/** The counts of the authors' released code, which keeps more than the share says where there are few rows. */
export function authorsTails(rows: number, share: number): TailCounts {
  if (share === 0) return { low: 0, high: 0 };
  return { low: rows - Math.round(rows * (1 - share)), high: Math.round(rows * share) + 1 };
}

/** How a column's reserved entries are counted. */
export type CountTails = (rows: number, share: number) => TailCounts;

/** Columns side by side in an order, which get the same. */
export interface PlanZone {
  /** Ranks [from, to), best first. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
  /** Reserved at each tail, and how many entries that comes to. */
  readonly share: number;
  readonly tails: TailCounts;
}

/**
 * What the columns of a matrix get by their rank in an order: the head the high width and the larger share. Three zones at
 * most, none of them empty, best first.
 */
export function planZones(
  { rows, columns }: MatrixShape,
  { precision, reservation }: Budget,
  countTails: CountTails = exactTails,
): PlanZone[] {
  const { low, high, average } = precision;
  const wide = low === high ? 0 : Math.round(((average - low) / (high - low)) * columns);
  const head = reservation === undefined ? 0 : Math.round(columns * reservation.headColumns);
  const boundaries = [0, Math.min(wide, head), Math.max(wide, head), columns];
  return boundaries.slice(1).flatMap((to, index) => {
    const from = boundaries[index] ?? 0;
    if (from === to) return [];
    const share = reservation === undefined ? 0 : from < head ? reservation.headShare : reservation.restShare;
    const tails = reservation === undefined ? { low: 0, high: 0 } : countTails(rows, share);
    return [{ from, to, width: from < wide ? high : low, share, tails }];
  });
}

/**
 * Widths and reserved entries by an order of columns.
 * @param order column indices, best first
 * @param rows entries of a column
 */
export function planByOrder(
  order: Int32Array,
  rows: number,
  budget: Budget,
  countTails: CountTails = exactTails,
): ColumnPlan {
  const columns = order.length;
  const widths = new Uint8Array(columns);
  const reservedLow = new Int32Array(columns);
  const reservedHigh = new Int32Array(columns);
  for (const { from, to, width, tails } of planZones({ rows, columns }, budget, countTails)) {
    for (const column of order.subarray(from, to)) {
      widths[column] = width;
      reservedLow[column] = tails.low;
      reservedHigh[column] = tails.high;
    }
  }
  return { widths, reservedLow, reservedHigh };
}

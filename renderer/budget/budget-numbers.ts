/** The numbers of a budget as controls hold them: what the chosen way does not use is kept for when it is chosen again. */
import { type BudgetParts, budgetParts } from '../../shared/budget-presets.ts';
import { type Budget, MAX_WIDTH, MIN_WIDTH, budgetOfBits, nominalBits } from '../../shared/budget.ts';
import { ClaqError } from '../../shared/errors.ts';
import { requestedBudget } from '../../shared/requested-budget.ts';
import type { BudgetRequest } from '../../shared/requests.ts';

export interface BudgetNumbers {
  readonly parts: BudgetParts;
  /** Of every column, where there is no AP. */
  readonly width: number;
  /** AP: the two widths, and bits averaged over the columns. */
  readonly low: number;
  readonly high: number;
  readonly average: number;
  /** OR: percent of a column that is reserved at each tail, in the head of the order and in the rest. */
  readonly headShare: number;
  readonly restShare: number;
  /** Percent of the columns that are the head. */
  readonly headColumns: number;
}

/** The paper's 2.12. */
const FIRST: BudgetNumbers = {
  parts: 'AP+OR',
  width: 3,
  low: 2,
  high: 4,
  average: 2.05,
  headShare: 1.4,
  restShare: 0.4,
  headColumns: 10,
};

export function hasAp({ parts }: Pick<BudgetNumbers, 'parts'>): boolean {
  return parts === 'AP' || parts === 'AP+OR';
}

export function hasOr({ parts }: Pick<BudgetNumbers, 'parts'>): boolean {
  return parts === 'OR' || parts === 'AP+OR';
}

/**
 * @param before where the numbers come from that the budget does not have
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction.
 */
export function numbersOf(request: BudgetRequest, before: BudgetNumbers = FIRST): BudgetNumbers {
  const budget = requestedBudget(request);
  const { precision, reservation } = budget;
  const parts = budgetParts(budget);
  return {
    ...before,
    parts,
    ...(hasAp({ parts })
      ? { low: precision.low, high: precision.high, average: rounded(precision.average) }
      : { width: precision.average }),
    ...(reservation === undefined
      ? {}
      : {
          headShare: rounded(100 * reservation.headShare),
          restShare: rounded(100 * reservation.restShare),
          headColumns: rounded(100 * reservation.headColumns),
        }),
  };
}

/** The numbers of a budget by the paper's name for it, or by its average. Throws ClaqError as budgetOfBits does. */
export function numbersOfBits(bits: number, before: BudgetNumbers = FIRST): BudgetNumbers {
  return numbersOf({ bits }, before);
}

/** What a request or a file says of these numbers: the paper's name where it has one. */
export function requestOf(numbers: BudgetNumbers): BudgetRequest {
  const bits = bitsOf(numbers);
  return bits === undefined ? partsRequest(numbers) : { bits };
}

/** `2.12`, or another average that a budget is named by; undefined where it has to be said in parts. */
export function bitsOf(numbers: BudgetNumbers): number | undefined {
  const budget = requestedBudget(partsRequest(numbers));
  const bits = Number(nominalBits(budget).toFixed(4));
  try {
    return sameBudget(budgetOfBits(bits), budget) ? bits : undefined;
  } catch (error) {
    // A sum that is above every width.
    if (error instanceof ClaqError) return undefined;
    throw error;
  }
}

/** What a search for a size may move: AP between the widths that it has, where these are not what its average has anyway. */
export function movableRequest(numbers: BudgetNumbers): BudgetRequest {
  const { apWidths, ...request } = partsRequest(numbers);
  if (apWidths === undefined) return request;
  const { low, high } = requestedBudget({ apAverage: numbers.average }).precision;
  return low === apWidths[0] && high === apWidths[1] ? request : { ...request, apWidths };
}

function partsRequest(numbers: BudgetNumbers): BudgetRequest {
  const { width, low, high, average, headShare, restShare, headColumns } = numbers;
  const precision: BudgetRequest = hasAp(numbers)
    ? { apAverage: average, apWidths: [low, high] }
    : { bits: width };
  // A share of no columns reserves nothing, and a reservation of nothing is none.
  const reserves = (headShare > 0 && headColumns > 0) || (restShare > 0 && headColumns < 100);
  if (!hasOr(numbers) || !reserves) return precision;
  return {
    ...precision,
    orShares: [headShare, restShare],
    ...(headColumns === 10 ? {} : { orColumns: headColumns }),
  };
}

/** Other widths: the lower one stays the lower one, and the average between them. */
export function withWidths(
  numbers: BudgetNumbers,
  change: { readonly low: number } | { readonly high: number },
): BudgetNumbers {
  const low = 'low' in change ? Math.min(change.low, MAX_WIDTH - 1) : Math.min(numbers.low, change.high - 1);
  const high = 'high' in change ? Math.max(change.high, MIN_WIDTH + 1) : Math.max(numbers.high, low + 1);
  const first = Math.max(MIN_WIDTH, low);
  return { ...numbers, low: first, high, average: Math.min(high, Math.max(first, numbers.average)) };
}

/** Twelve digits, as many as decimal fractions keep: 1.4, not 1.4000000000000001. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}

/** Of averages and shares, which are as exact as `rounded` leaves them. */
const SAME = 1e-9;

function sameBudget(a: Budget, b: Budget): boolean {
  const { low, high, average } = a.precision;
  if (low !== b.precision.low || high !== b.precision.high) return false;
  if (Math.abs(average - b.precision.average) > SAME) return false;
  if (a.reservation === undefined || b.reservation === undefined) return a.reservation === b.reservation;
  const other = b.reservation;
  return (
    Math.abs(a.reservation.headColumns - other.headColumns) < SAME &&
    Math.abs(a.reservation.headShare - other.headShare) < SAME &&
    Math.abs(a.reservation.restShare - other.restShare) < SAME
  );
}

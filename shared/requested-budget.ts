/** From what the user said about bits to a budget: each part may be named alone. */
import {
  type Budget,
  type ReservationBudget,
  adaptivePrecision,
  budgetOfBits,
  outlierReservation,
  reservationOfShares,
  singlePrecision,
} from './budget.ts';
import { ClaqError } from './errors.ts';
import { type BudgetRequest, DEFAULT_BITS } from './requests.ts';

/**
 * `bits` is the paper's name for the whole; AP and OR named beside it take the place of its parts.
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction.
 */
export function requestedBudget(request: BudgetRequest): Budget {
  const { apAverage, apWidths, orColumns } = request;
  const named = apAverage === undefined ? budgetOfBits(request.bits ?? DEFAULT_BITS) : undefined;
  const average = apAverage ?? named?.precision.average ?? DEFAULT_BITS;
  const precision =
    apAverage === undefined && apWidths === undefined && named !== undefined
      ? named.precision
      : Number.isInteger(average) && apWidths === undefined
        ? singlePrecision(average)
        : adaptivePrecision(average, apWidths);
  const reservation = requestedReservation(request, named?.reservation);
  if (orColumns !== undefined && reservation === undefined) {
    throw new ClaqError(
      'budget/contradiction',
      'There are top columns of an outlier reservation, but no reservation',
      {
        expected: 'an outlier reservation that the columns belong to',
        found: 'no outlier reservation',
        remedy: 'ask for one (--or 0.07, or --or-shares), or leave --or-columns out',
      },
    );
  }
  return { precision, reservation };
}

/** OR as far as it was said; else that of the paper's setting, `named`. Its bits always follow from shares and columns. */
function requestedReservation(
  { orBits, orShares, orColumns }: BudgetRequest,
  named: ReservationBudget | undefined,
): ReservationBudget | undefined {
  const headColumns = orColumns === undefined ? undefined : orColumns / 100;
  if (orShares !== undefined) {
    const [head, rest] = orShares;
    return reservationOfShares([head / 100, rest / 100], headColumns);
  }
  if (orBits !== undefined) return outlierReservation(orBits, headColumns);
  if (named === undefined || headColumns === undefined) return named;
  return outlierReservation(named.nominalBits, headColumns);
}

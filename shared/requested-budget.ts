/** From what the user said about bits to a budget: each part may be named alone. */
import {
  type Budget,
  adaptivePrecision,
  budgetOfBits,
  outlierReservation,
  singlePrecision,
} from './budget.ts';
import { ClaqError } from './errors.ts';
import { type BudgetRequest, DEFAULT_BITS } from './requests.ts';

/**
 * `bits` is the paper's name for the whole; AP and OR named beside it take the place of its parts.
 * Throws ClaqError budget/out-of-range, budget/cannot-be-met, budget/contradiction.
 */
export function requestedBudget(request: BudgetRequest): Budget {
  const { apAverage, apWidths, orBits, orShares, orColumns } = request;
  const named = apAverage === undefined ? budgetOfBits(request.bits ?? DEFAULT_BITS) : undefined;
  const average = apAverage ?? named?.precision.average ?? DEFAULT_BITS;
  const precision =
    apAverage === undefined && apWidths === undefined && named !== undefined
      ? named.precision
      : Number.isInteger(average) && apWidths === undefined
        ? singlePrecision(average)
        : adaptivePrecision(average, apWidths);
  const nominal =
    orBits ??
    named?.reservation?.nominalBits ??
    (orShares === undefined ? 0 : nominalOfShares(orShares, orColumns));
  const reservation = outlierReservation(nominal, {
    ...(orShares === undefined ? {} : { shares: [orShares[0] / 100, orShares[1] / 100] as const }),
    ...(orColumns === undefined ? {} : { headColumns: orColumns / 100 }),
  });
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

/** The paper counts 1 % of the entries as 0.07 bits; shares of one's own are counted the same way. */
function nominalOfShares([head, rest]: readonly [number, number], columnsPercent = 10): number {
  const reservedPercent = 2 * ((head * columnsPercent) / 100 + (rest * (100 - columnsPercent)) / 100);
  return Number((0.07 * reservedPercent).toFixed(4));
}

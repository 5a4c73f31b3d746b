import { expect, it } from 'vitest';
import { candidates, planByBenefit } from '../../../main/engine/claq/benefit.ts';
import { foretold, foretoldPlan } from '../../../main/service/statistics/foretold-columns.ts';
import { ANALYSED_ERRORS, errorPlace } from '../../../shared/analysed-errors.ts';
import { decodeForetold, grantsOfPlan } from '../../../shared/compare-budgets.ts';
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../../../shared/loss-profile.ts';
import { MATRIX_KINDS, matrixShape } from '../../../shared/model.ts';
import { requestedBudget } from '../../../shared/requested-budget.ts';
import type { BudgetRequest } from '../../../shared/requests.ts';
import { SMOLLM2 } from '../../known-models.ts';
import { chance } from '../../renderer/fake-library.ts';

const ROWS = 500;
const COLUMNS = 300;

/** Halves, so that nothing is rounded on the way. */
function errorsOf(columns: number): Float16Array {
  return Float16Array.from({ length: columns * ANALYSED_ERRORS }, (_, at) => {
    const [column, error] = [Math.floor(at / ANALYSED_ERRORS), at % ANALYSED_ERRORS];
    const [share, width] = [Math.floor(error / ANALYSED_WIDTHS.length), error % ANALYSED_WIDTHS.length];
    const steep = chance(column);
    return 0.36 * 4 ** -width * Math.exp(-30 * steep * (ANALYSED_TAIL_SHARES[share] ?? 0));
  });
}

const BUDGETS: readonly (readonly [string, BudgetRequest])[] = [
  ['AP', { apAverage: 2.3, apWidths: [2, 4] }],
  ['the paper’s 2.12', { bits: 2.12 }],
  ['OR', { bits: 3, orShares: [1.4, 0.4] }],
];
it.each(BUDGETS)('chooses as a run does whose columns err as the analysis found: %s', (_, request) => {
  const budget = requestedBudget(request);
  const errors = errorsOf(COLUMNS);
  const energies = Float64Array.from(
    { length: COLUMNS },
    (_value, column) => 1 + 40 * chance(3 * column) ** 6,
  );
  const { widths, tailCounts } = candidates(ROWS, budget);
  // 1.4 and 0.4 % of 500 rows and twice that, and shares of which there are none, are all analysed ones.
  const table = Float64Array.from({ length: COLUMNS * widths.length * tailCounts.length }, (_value, at) => {
    const option = at % (widths.length * tailCounts.length);
    const column = Math.floor(at / (widths.length * tailCounts.length));
    const tail = tailCounts[Math.floor(option / widths.length)] ?? NaN;
    const place = errorPlace(ROWS, widths[option % widths.length] ?? NaN, tail);
    expect(place.part === 0 || place.part === 1).toBe(true);
    return errors[column * ANALYSED_ERRORS + (place.part === 0 ? place.below : place.above)] ?? NaN;
  });
  const expected = planByBenefit({ widths, tailCounts, errors: table }, energies, ROWS, budget);
  const plan = foretoldPlan({ rows: ROWS, energies, errors }, budget);
  expect(plan).toEqual(expected);
  expect(new Set(plan.widths).size + new Set(plan.reservedLow).size).toBeGreaterThan(2);
});

it('has the columns of all matrices, which are taken apart again', () => {
  const model = { ...SMOLLM2, blocks: 2, hiddenSize: 10, ffnSize: 20, heads: 1, kvHeads: 1, headDim: 10 };
  const grants = [0, 1].flatMap((block) =>
    MATRIX_KINDS.map((kind, index) => {
      const { columns } = matrixShape(model, kind);
      const widths = Uint8Array.from({ length: columns }, (_, column) => 1 + ((column + index + block) % 8));
      const reservedLow = Int32Array.from({ length: columns }, (_, column) => column * 40_000);
      return grantsOfPlan({ widths, reservedLow, reservedHigh: reservedLow });
    }),
  );
  expect(grants[0]?.reserved[9]).toBe(720_000);
  const { columns, classes } = foretold('calibrated', grants);
  expect(columns.weighting).toBe('calibrated');
  expect(decodeForetold(model, columns).matrices).toEqual(grants);
  expect(classes.weighting).toBe('calibrated');
  expect(classes.matrices[0]?.slice(0, 3)).toEqual([
    { width: 1, reserved: 0, columns: 1 },
    { width: 1, reserved: 640_000, columns: 1 },
    { width: 2, reserved: 80_000, columns: 1 },
  ]);
});

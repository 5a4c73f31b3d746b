/** What the choice by benefit would give a matrix's columns, by their analysed errors. */
import { ANALYSED_ERRORS, errorBetween, errorPlace } from '../../../shared/analysed-errors.ts';
import type { Budget, ColumnPlan } from '../../../shared/budget.ts';
import { type ColumnGrants, classesOfGrants } from '../../../shared/compare-budgets.ts';
import type { ForetoldClasses, ForetoldColumns } from '../../../shared/foretold-columns.ts';
import type { ErrorWeighting } from '../../../shared/loss-profile.ts';
import { candidates, planByBenefit } from '../../engine/claq/benefit.ts';
import { numberText } from '../number-text.ts';
import type { MatrixCosts } from './benefit-curve.ts';
import { HALF_VALUES, halfPatterns } from './half-values.ts';

/** As a run would choose whose calibration weighs the columns as `energies` do (engine's claq/benefit.ts). */
export function foretoldPlan({ rows, energies, errors }: MatrixCosts, budget: Budget): ColumnPlan {
  const { widths, tailCounts } = candidates(rows, budget);
  const places = tailCounts.flatMap((tail) => widths.map((width) => errorPlace(rows, width, tail)));
  const below = Int32Array.from(places, (place) => place.below);
  // Most places are analysed ones, whose errors need no arithmetic.
  const between = places.flatMap((place, index) =>
    place.part === 0 && place.factor === 1 ? [] : [{ index, place }],
  );
  const patterns = halfPatterns(errors);
  const ofColumns = new Float64Array(energies.length * places.length);
  for (let column = 0; column < energies.length; column++) {
    const from = column * ANALYSED_ERRORS;
    const to = column * places.length;
    for (let index = 0; index < below.length; index++) {
      ofColumns[to + index] = HALF_VALUES[patterns[from + (below[index] ?? 0)] ?? 0] ?? 0;
    }
    for (const { index, place } of between) {
      const next = HALF_VALUES[patterns[from + place.above] ?? 0] ?? 0;
      ofColumns[to + index] = errorBetween(ofColumns[to + index] ?? 0, next, place);
    }
  }
  return planByBenefit({ widths, tailCounts, errors: ofColumns }, energies, rows, budget);
}

/** All that is told of a budget, from one choice. */
export interface Foretold {
  readonly columns: ForetoldColumns;
  readonly classes: ForetoldClasses;
}

/** @param grants of all matrices, block by block, in a block in the order of MATRIX_KINDS */
export function foretold(weighting: ErrorWeighting, grants: readonly ColumnGrants[]): Foretold {
  const columns = grants.reduce((sum, { widths }) => sum + widths.length, 0);
  const widths = new Uint8Array(columns);
  const reserved = new Uint32Array(columns);
  let at = 0;
  for (const each of grants) {
    widths.set(each.widths, at);
    reserved.set(each.reserved, at);
    at += each.widths.length;
  }
  return {
    columns: { weighting, widths: numberText(widths), reserved: numberText(reserved) },
    classes: { weighting, matrices: grants.map(classesOfGrants) },
  };
}

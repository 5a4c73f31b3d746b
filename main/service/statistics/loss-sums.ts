import { PROFILE_POSITIONS } from '../../../shared/loss-profile.ts';
import { ANALYSED_ERRORS } from '../../../shared/analysed-errors.ts';
import { HALF_VALUES, halfPatterns } from './half-values.ts';

/** Sums of a matrix at all of PROFILE_POSITIONS. */
export const SUMS_A_MATRIX = PROFILE_POSITIONS.length * ANALYSED_ERRORS;

/**
 * Errors of the first columns of an order, up to each of PROFILE_POSITIONS; a position between two columns takes its part of the
 * second one.
 *
 * @param errors [columns][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS], relative to `energies`
 * @param energies weighted sum of squares of each column
 * @param sums receives [PROFILE_POSITIONS][ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS]
 */
export function sumAlong(
  order: Uint16Array,
  errors: Float16Array,
  energies: Float64Array,
  sums: Float32Array,
): void {
  const patterns = halfPatterns(errors);
  const running = new Float64Array(ANALYSED_ERRORS);
  let done = 0;
  for (const [index, share] of PROFILE_POSITIONS.entries()) {
    const position = share * order.length;
    const whole = Math.floor(position);
    for (; done < whole; done++) {
      const column = order[done] ?? 0;
      const from = column * ANALYSED_ERRORS;
      const energy = energies[column] ?? 0;
      for (let cell = 0; cell < ANALYSED_ERRORS; cell++) {
        running[cell] = (running[cell] ?? 0) + energy * (HALF_VALUES[patterns[from + cell] ?? 0] ?? 0);
      }
    }
    // Behind the last column there is none, and no part of it.
    const column = order[whole] ?? 0;
    const part = (position - whole) * (energies[column] ?? 0);
    for (let cell = 0; cell < ANALYSED_ERRORS; cell++) {
      const next = part * (HALF_VALUES[patterns[column * ANALYSED_ERRORS + cell] ?? 0] ?? 0);
      sums[index * ANALYSED_ERRORS + cell] = (running[cell] ?? 0) + next;
    }
  }
}

/**
 * Reservation by error: of a column the paper keeps both tails, the entries farthest from zero. What a kept entry saves is the error
 * that its codebook would leave it with, weighed like the loop weighs it:
 *
 *     e_i = w_i (x_i - c(x_i))^2,  c(x) the nearest centroid, w_i the row's weight (row-scales.ts, row-sensitivity.ts)
 *
 * The n entries with the largest e_i are kept, n being what the plan gives both tails together. Codebook and choice depend on each other:
 * first those farthest from the median go, then in two rounds the codebook is fitted to the rest and the worst are chosen anew.
 * (Alternation as in trimmed K-Means: Cuesta-Albertos, Gordaliza and Matran 1997.) kernels/assembly/weighted-codebook.ts does it.
 */
import { type PlusChoices, hasTechnique } from '../../../shared/plus.ts';

/** Which entries of a column are reserved: its tails, or those that its codebook serves worst. */
export type Reserve = 'tails' | 'worst';

/** @param choices of claq-plus; undefined: the paper's */
export function reserveBy(choices: PlusChoices | undefined): Reserve {
  return choices !== undefined && hasTechnique(choices, 'error-reservation') ? 'worst' : 'tails';
}

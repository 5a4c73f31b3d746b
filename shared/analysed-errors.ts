/** Errors between and beyond those that an analysis measures: of any width, with any number of reserved entries. */
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from './loss-profile.ts';

/** Errors of a column or of a sum of columns, [ANALYSED_TAIL_SHARES][ANALYSED_WIDTHS]. */
export const ANALYSED_ERRORS = ANALYSED_TAIL_SHARES.length * ANALYSED_WIDTHS.length;

const WIDEST = 5;

/** Where an error lies among the analysed ones. */
export interface ErrorPlace {
  /** Index of the error at the analysed share below, and of that at the share above. */
  readonly below: number;
  readonly above: number;
  /** Where between the two, in reserved entries; beyond 1 past the last share. */
  readonly part: number;
  /** What widths beyond the analysed ones take off. */
  readonly factor: number;
}

/**
 * @param rows entries of a column: shares of few of them may come to the same count
 * @param tail entries reserved at each tail
 */
export function errorPlace(rows: number, width: number, tail: number): ErrorPlace {
  const counts = ANALYSED_TAIL_SHARES.map((share) => Math.round(rows * share));
  const most = counts.at(-1) ?? 0;
  // Past the last share the last two different counts go on.
  const below = Math.max(
    Math.min(
      counts.findLastIndex((count) => count <= tail),
      counts.findLastIndex((count) => count < most),
    ),
    0,
  );
  const above = Math.min(below + 1, counts.length - 1);
  const [from = 0, to = 0] = [counts[below], counts[above]];
  const at = (share: number): number => share * ANALYSED_WIDTHS.length + Math.min(width, WIDEST) - 1;
  return {
    below: at(below),
    above: at(above),
    part: to === from ? 0 : (tail - from) / (to - from),
    factor: 4 ** Math.min(0, WIDEST - width),
  };
}

/** The error at a place: between two shares its logarithm is interpolated. */
export function errorBetween(below: number, above: number, { part, factor }: ErrorPlace): number {
  if (part === 0 || below <= 0 || above <= 0) return factor * Math.max(0, part === 1 ? above : below);
  return factor * (part === 1 ? above : below * (above / below) ** part);
}

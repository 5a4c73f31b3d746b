import type { OutlierCurve } from '../../../shared/inspection.ts';

/** A screen is a few hundred points wide: more would not be seen. */
export const MAX_CURVE_POINTS = 512;

/** Points of the curve's head that are kept whatever happens behind it: the steep part is what the picture is about. */
const HEAD_POINTS = 128;

/**
 * Reduces columns sorted by outliers to at most MAX_CURVE_POINTS points. A run of equal columns keeps its two ends, so
 * the flat tail costs two points and nothing is lost; where that is not enough, the head stays whole and the rest is
 * thinned evenly.
 *
 * @param sorted outliers of each column, descending
 */
export function outlierCurve(sorted: Uint32Array): OutlierCurve {
  const bends: number[] = [];
  for (const [rank, count] of sorted.entries()) {
    if (count !== sorted[rank - 1] || count !== sorted[rank + 1]) bends.push(rank);
  }
  const ranks = bends.length <= MAX_CURVE_POINTS ? bends : thinned(bends);
  return { ranks, outliers: ranks.map((rank) => sorted[rank] ?? 0) };
}

/** The first HEAD_POINTS, then evenly spaced ones up to and including the last. */
function thinned(bends: readonly number[]): number[] {
  const tail = MAX_CURVE_POINTS - HEAD_POINTS;
  const step = (bends.length - HEAD_POINTS) / tail;
  const kept = bends.slice(0, HEAD_POINTS);
  for (let point = 1; point <= tail; point++) {
    kept.push(bends[HEAD_POINTS - 1 + Math.round(point * step)] ?? 0);
  }
  return kept;
}

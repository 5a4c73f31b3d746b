/** How the weights of a column are distributed. */

export interface Histogram {
  /** Lower end of the first bin. */
  readonly from: number;
  /** Of each bin. */
  readonly width: number;
  readonly counts: Uint32Array;
}

/** Fewer bins show no shape, more are thinner than a pixel. */
const MIN_BINS = 10;
const MAX_BINS = 201;

/**
 * Bins from the smallest to the largest value, as wide as Freedman and Diaconis (1981) have it: twice the distance of the
 * quartiles by the cube root of the count.
 * @param sorted ascending
 */
export function histogram(sorted: Float32Array): Histogram {
  const least = sorted[0] ?? 0;
  const most = sorted.at(-1) ?? 0;
  const range = most - least;
  if (range === 0) return { from: least - 0.5, width: 1, counts: Uint32Array.of(sorted.length) };
  const quartile = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const advised = (2 * (quartile(0.75) - quartile(0.25))) / Math.cbrt(sorted.length);
  const wanted = advised > 0 ? Math.ceil(range / advised) : MAX_BINS;
  const bins = Math.min(MAX_BINS, Math.max(MIN_BINS, wanted));
  const width = range / bins;
  const counts = new Uint32Array(bins);
  for (const value of sorted) {
    // The largest value belongs to the last bin.
    const bin = Math.min(bins - 1, Math.floor((value - least) / width));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return { from: least, width, counts };
}

/** The paper's Figure 3: the outlier ratios of a matrix's columns, the largest first, and how much the first of them hold. */

export interface OutlierCurve {
  readonly rows: number;
  /** Outliers of each column, the most first. */
  readonly counts: Uint32Array;
  /** Outliers of the first columns together: [0] is 0, the last one is all. */
  readonly sums: Float64Array;
  /** Columns with at least one outlier. */
  readonly ranked: number;
}

/** @param outliers of each column, in any order */
export function outlierCurve(outliers: Uint32Array, rows: number): OutlierCurve {
  // Typed arrays sort by number, ascending.
  const counts = outliers.slice().sort().reverse();
  const sums = new Float64Array(counts.length + 1);
  let ranked = 0;
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index] ?? 0;
    sums[index + 1] = (sums[index] ?? 0) + count;
    if (count > 0) ranked = index + 1;
  }
  return { rows, counts, sums, ranked };
}

/** Columns that the first `share` of them are: at least one, where the share is above 0. */
export function headColumns(columns: number, share: number): number {
  return share <= 0 ? 0 : Math.min(columns, Math.max(1, Math.round(share * columns)));
}

/** Share of all outliers that the first columns hold; null where the matrix has none. */
export function heldShare({ sums }: OutlierCurve, columns: number): number | null {
  const all = sums.at(-1) ?? 0;
  return all === 0 ? null : (sums[Math.min(columns, sums.length - 1)] ?? 0) / all;
}

/** Outlier ratio of the column at a rank, counted from 1. */
export function ratioAtRank({ counts, rows }: OutlierCurve, rank: number): number {
  return (counts[rank - 1] ?? 0) / rows;
}

export type CurveX = 'rank' | 'percent';
export type CurvePoint = readonly [x: number, ratio: number];

/** Place of a rank on the axis. */
export function axisPlace(rank: number, columns: number, axis: CurveX): number {
  return axis === 'rank' ? rank : (100 * rank) / columns;
}

/** The rank that is nearest to a place on the axis, from 1. */
export function rankAt(place: number, columns: number, axis: CurveX): number {
  const rank = axis === 'rank' ? place : (place / 100) * columns;
  return Math.min(columns, Math.max(1, Math.round(rank)));
}

/** Points of a level stand this share of the axis apart at most. */
const APART = 0.005;

/**
 * The curve as few points: both ends of each level, which is a run of columns with the same count, and some between them.
 * ECharts needs those: its pointer goes from point to point, and a step of less than two pixels before a long level
 * would be drawn as a slope.
 * @param withNone whether columns without an outlier belong to it: a logarithmic axis has no place for them
 */
export function curvePoints(curve: OutlierCurve, axis: CurveX, withNone: boolean): CurvePoint[] {
  const { counts, rows } = curve;
  const end = withNone ? counts.length : curve.ranked;
  const step = Math.ceil(APART * counts.length);
  const points: CurvePoint[] = [];
  const add = (index: number, count: number): void => {
    points.push([axisPlace(index + 1, counts.length, axis), count / rows]);
  };
  let first = 0;
  while (first < end) {
    const count = counts[first] ?? 0;
    let last = first;
    while (last + 1 < end && counts[last + 1] === count) last++;
    for (let index = first; index < last; index += step) add(index, count);
    add(last, count);
    first = last + 1;
  }
  return points;
}

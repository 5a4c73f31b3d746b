/** What is measured of a model, from the events that tell it, and its outliers at one S. */
import type { ActivityId } from '../../shared/activity.ts';
import { MATRIX_KINDS } from '../../shared/model.ts';
import type { MatrixOverview, StatisticsEvent } from '../../shared/statistics.ts';

export interface Measured {
  /** The activity that measures, while one does. */
  readonly measuring: ActivityId | null;
  /** Matrices of the model. */
  readonly total: number;
  /** Layer by layer, in a layer in the order of computation. */
  readonly matrices: readonly MatrixOverview[];
}

/** Applies events in their order; what comes before the first overview is left out. */
export function applyStatistics(
  before: Measured | undefined,
  events: readonly StatisticsEvent[],
): Measured | undefined {
  let measured = before;
  for (const event of events) {
    if (event.kind === 'overview') {
      const { measuring, total, matrices } = event;
      measured = { measuring, total, matrices };
    } else if (measured !== undefined) {
      measured = { ...measured, matrices: withMatrices(measured.matrices, event.matrices) };
    }
  }
  return measured;
}

/** In order, a matrix that was there before once. */
function withMatrices(
  known: readonly MatrixOverview[],
  added: readonly MatrixOverview[],
): readonly MatrixOverview[] {
  const byPlace = new Map([...known, ...added].map((matrix) => [placeOf(matrix), matrix]));
  return [...byPlace].sort(([a], [b]) => a - b).map(([, matrix]) => matrix);
}

function placeOf({ block, kind }: MatrixOverview): number {
  return block * MATRIX_KINDS.length + MATRIX_KINDS.indexOf(kind);
}

/** Outliers of some matrices together, at one S. */
export interface OutlierSum {
  readonly outliers: number;
  readonly entries: number;
  /** Columns, and those with at least one outlier: the others are ranked by the tie rule alone. */
  readonly columns: number;
  readonly ranked: number;
}

/** @param level index in OUTLIER_LEVELS */
export function outlierSum(matrices: readonly MatrixOverview[], level: number): OutlierSum {
  let [outliers, entries, columns, ranked] = [0, 0, 0, 0];
  for (const matrix of matrices) {
    outliers += matrix.outliers[level] ?? 0;
    entries += matrix.rows * matrix.columns;
    columns += matrix.columns;
    ranked += matrix.ranked[level] ?? 0;
  }
  return { outliers, entries, columns, ranked };
}

/** Share of the entries that are outliers; 0 of none. */
export function outlierRatio({ outliers, entries }: Pick<OutlierSum, 'outliers' | 'entries'>): number {
  return entries === 0 ? 0 : outliers / entries;
}

/** The paper's Figure 5: each layer as a whole. Layers of which nothing is measured are left out. */
export function layerSums(
  matrices: readonly MatrixOverview[],
  level: number,
): (OutlierSum & { readonly block: number })[] {
  const layers = new Map<number, MatrixOverview[]>();
  for (const matrix of matrices) {
    const layer = layers.get(matrix.block);
    if (layer === undefined) layers.set(matrix.block, [matrix]);
    else layer.push(matrix);
  }
  return [...layers].map(([block, own]) => ({ block, ...outlierSum(own, level) }));
}

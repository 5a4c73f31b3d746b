/** The outlier ratios of all matrices at one S, as a picture of cells. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import { readablePercent } from '../../shared/readable-quantities.ts';
import type { MatrixOverview } from '../../shared/statistics.ts';
import { heatScale, sameScale, type ScaleKind } from '../charts/heat-scale.ts';
import type { CellFigure, GridPicture } from '../charts/matrix-grid.ts';
import { QUANTITIES } from '../charts/matrix-quantities.ts';
import { outlierRatio } from './measured.ts';

const FIGURE: CellFigure = QUANTITIES.outlierRatio;

/** By layer and kind. */
export type OverviewMap = ReadonlyMap<string, MatrixOverview>;

export function overviewMap(matrices: readonly MatrixOverview[]): OverviewMap {
  return new Map(matrices.map((matrix) => [keyOf(matrix.block, matrix.kind), matrix]));
}

export function overviewAt(map: OverviewMap, block: number, kind: MatrixKind): MatrixOverview | undefined {
  return map.get(keyOf(block, kind));
}

function keyOf(block: number, kind: MatrixKind): string {
  return `${block}.${kind}`;
}

export function ratioOf(matrix: MatrixOverview, level: number): number {
  return outlierRatio({ outliers: matrix.outliers[level] ?? 0, entries: matrix.rows * matrix.columns });
}

/** Figures that spread further than this are told apart on a logarithmic scale alone. */
const SPREAD = 10;

/** `log` where the figures above 0 span more than a decade. */
export function fittingScale(ratios: readonly number[]): ScaleKind {
  const some = ratios.filter((ratio) => ratio > 0);
  return some.length > 0 && Math.max(...some) > SPREAD * Math.min(...some) ? 'log' : 'linear';
}

/** @param before the picture until now: where its scale still holds, nothing needs a new colour */
export function outlierPicture(
  layers: number,
  map: OverviewMap,
  level: number,
  scaleKind: ScaleKind,
  before?: GridPicture,
): GridPicture {
  const rows = Array.from({ length: layers }, (_, block) => ({
    block,
    cells: MATRIX_KINDS.map((kind) => {
      const matrix = overviewAt(map, block, kind);
      return { kind, value: matrix === undefined ? undefined : ratioOf(matrix, level) };
    }),
  }));
  const ratios = rows.flatMap(({ cells }) => cells.flatMap(({ value }) => value ?? []));
  const scale = heatScale(ratios, scaleKind);
  return { quantity: FIGURE, rows, scale: sameScale(before?.scale, scale) ? before?.scale : scale };
}

/** Whatever else is known of a matrix at that S, in a line. */
export function overviewWords(matrix: MatrixOverview, level: number): string {
  const { rows, columns, meanMagnitude, maxMagnitude } = matrix;
  const ranked = matrix.ranked[level] ?? 0;
  const largest = meanMagnitude === 0 ? 0 : maxMagnitude / meanMagnitude;
  return [
    `${rows.toLocaleString('en')} × ${columns.toLocaleString('en')}`,
    `${(matrix.outliers[level] ?? 0).toLocaleString('en')} outliers in ${ranked.toLocaleString('en')} columns (${readablePercent(ranked / columns)})`,
    `largest |w| ${largest.toFixed(1)} × the mean`,
  ].join(' · ');
}

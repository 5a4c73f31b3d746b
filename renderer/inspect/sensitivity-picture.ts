/** The sensitivities of all matrices, as a picture of cells. */
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import type { MatrixSensitivity, ModelSensitivity } from '../../shared/sensitivity.ts';
import { heatScale, type ScaleKind } from '../charts/heat-scale.ts';
import type { CellFigure, GridPicture } from '../charts/matrix-grid.ts';
import { figures } from '../charts/matrix-quantities.ts';

/** All with an exponent, so that cells and ticks that lie decades apart compare at a glance: `1.5e−5`. */
function power(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('e-', 'e−').replace('e+', 'e');
}

const FIGURE: CellFigure = {
  label: 'Sensitivity',
  unit: 'mean squared gradient at the layer’s output',
  text: power,
  brief: power,
};

/** By layer and kind. */
export type SensitivityMap = ReadonlyMap<string, MatrixSensitivity>;

export function sensitivityMap({ matrices }: Pick<ModelSensitivity, 'matrices'>): SensitivityMap {
  return new Map(matrices.map((matrix) => [keyOf(matrix.block, matrix.kind), matrix]));
}

function keyOf(block: number, kind: MatrixKind): string {
  return `${block}.${kind}`;
}

export function sensitivityPicture(layers: number, map: SensitivityMap, scaleKind: ScaleKind): GridPicture {
  const rows = Array.from({ length: layers }, (_, block) => ({
    block,
    cells: MATRIX_KINDS.map((kind) => ({ kind, value: map.get(keyOf(block, kind))?.mean })),
  }));
  const means = Array.from(map.values(), ({ mean }) => mean);
  return { quantity: FIGURE, rows, scale: heatScale(means, scaleKind) };
}

/** Of all matrices, that in the middle; of an even number the upper. */
export function middleSensitivity({ matrices }: Pick<ModelSensitivity, 'matrices'>): number {
  const sorted = matrices.map(({ mean }) => mean).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** Whatever else is known of a matrix, in a line. */
export function sensitivityWords(
  map: SensitivityMap,
  block: number,
  kind: MatrixKind,
  middle: number,
): string {
  const matrix = map.get(keyOf(block, kind));
  if (matrix === undefined) return '';
  const { mean, median } = matrix;
  const times = middle === 0 ? [] : [`${figures(mean / middle)} × the median matrix`];
  return [...times, `median over the tokens ${power(median)}`].join(' · ');
}

/** What it was measured on, and by. */
export function measuredOnWords({
  tokens,
  segments,
  text,
  engine,
  forwardPrecision,
}: ModelSensitivity): string {
  const parts = segments === 1 ? 'a segment' : `${segments} segments`;
  const precision = forwardPrecision === 'float32' ? '' : `, ${forwardPrecision}`;
  const file = text.split(/[/\\]/).at(-1) ?? text;
  return `Over ${tokens.toLocaleString('en')} tokens in ${parts} of ${file}; ${engine}${precision}.`;
}

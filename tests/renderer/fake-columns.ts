/** Columns of models that do not exist: the same at each start, with a few columns that hold most outliers. */
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../../shared/loss-profile.ts';
import {
  MATRIX_KINDS,
  matrixName,
  matrixShape,
  type MatrixKind,
  type ModelDescription,
} from '../../shared/model.ts';
import { OUTLIER_LEVELS } from '../../shared/outlier-levels.ts';
import type { MatrixOverview } from '../../shared/statistics.ts';
import { ANALYSED_ERRORS } from '../../shared/analysed-errors.ts';
import { type StoredStatistics, summaryOf } from '../../main/service/store/store.ts';
import { chance } from './fake-library.ts';

/** Mean |w| of a normal distribution with the standard deviation 1. */
const MEAN_OF_NORMAL = Math.sqrt(2 / Math.PI);

export interface FakeMatrix {
  readonly description: ModelDescription;
  readonly block: number;
  readonly kind: MatrixKind;
}

/** What outliers a kind of matrix has, by the others' measure. */
const KIND_REACH: Readonly<Record<MatrixKind, number>> = {
  ...{ q: 1.05, k: 1.1, v: 0.85, o: 1 },
  ...{ gate: 0.95, up: 0.9, down: 1.15 },
};

/** The first layers and the last have more of them than those between. */
function layerReach({ description, block }: FakeMatrix): number {
  return 1 + 0.35 * Math.exp(-block / 2) + 0.2 * Math.exp((block + 1 - description.blocks) / 2);
}

/** How far the column's entries reach beyond the others': 1 to 12. */
function reach({ block, kind }: FakeMatrix, column: number): number {
  const place = MATRIX_KINDS.indexOf(kind);
  return 1 + 11 * chance(block * 7919 + place * 104_729 + column * 31) ** 24;
}

export function fakeStatistics(matrix: FakeMatrix): StoredStatistics {
  const { description, block, kind } = matrix;
  const { rows, columns } = matrixShape(description, kind);
  const meanMagnitude = 0.02 + 0.01 * chance(block + 1);
  const deviation = meanMagnitude / MEAN_OF_NORMAL;
  const reaches = Float32Array.from({ length: columns }, (_, column) => reach(matrix, column));
  const tail = 0.42 * layerReach(matrix) * KIND_REACH[kind];
  const outliersAt = (s: number): Uint32Array =>
    Uint32Array.from(reaches, (far, column) =>
      Math.floor(0.08 * rows * Math.exp(-Math.max(0, s - 2) / (tail * far)) + 0.95 * chance(column + 1)),
    );
  const counts = OUTLIER_LEVELS.map(outliersAt);
  const levels = counts.findLastIndex((level) => level.some((count) => count > 0)) + 1;
  const outliers = new Uint32Array(levels * columns);
  for (const [level, each] of counts.slice(0, levels).entries()) outliers.set(each, level * columns);
  const maxima = reaches.map((far, column) => meanMagnitude * (3 + far * (1 + chance(column))));
  return {
    block,
    kind,
    rows,
    columns,
    meanMagnitude,
    maxMagnitude: maxima.reduce((largest, each) => Math.max(largest, each), 0),
    maxima,
    energies: reaches.map((far) => rows * deviation ** 2 * (1 + 0.05 * far)),
    means: reaches.map((_, column) => deviation * 0.02 * (chance(column + 7) - 0.5)),
    variances: reaches.map((far) => deviation ** 2 * (1 + 0.05 * far)),
    levels,
    outliers,
  };
}

/** Made once: a large model has a million columns. */
const overviews = new WeakMap<ModelDescription, Map<string, MatrixOverview>>();

export function fakeOverview(matrix: FakeMatrix): MatrixOverview {
  const known = overviews.get(matrix.description) ?? new Map<string, MatrixOverview>();
  overviews.set(matrix.description, known);
  const place = matrixName(matrix.block, matrix.kind);
  const overview = known.get(place) ?? newOverview(matrix);
  known.set(place, overview);
  return overview;
}

function newOverview(matrix: FakeMatrix): MatrixOverview {
  const statistics = fakeStatistics(matrix);
  const { block, kind, rows, columns, meanMagnitude, maxMagnitude } = statistics;
  const { totals, ranked } = summaryOf(statistics);
  return {
    ...{ block, kind, rows, columns, meanMagnitude, maxMagnitude },
    outliers: [...totals],
    ranked: [...ranked],
  };
}

/** Columns that reach far gain more by reserved entries. */
export function fakeErrors(matrix: FakeMatrix): Float16Array {
  const { columns } = matrixShape(matrix.description, matrix.kind);
  const errors = new Float16Array(columns * ANALYSED_ERRORS);
  let at = 0;
  for (let column = 0; column < columns; column++) {
    const far = reach(matrix, column);
    for (const share of ANALYSED_TAIL_SHARES) {
      const reserved = (0.36 + 0.02 * far) * Math.exp(-share * (12 + 2 * far));
      for (const width of ANALYSED_WIDTHS) errors[at++] = reserved * 4 ** (1 - width);
    }
  }
  return errors;
}

/** An entry / mean|W|, of a bell curve that is wider in columns that reach far. */
export function fakeEntry(matrix: FakeMatrix, row: number, column: number): number {
  const seed = row * 65_537 + column;
  const normal =
    Math.sqrt(-2 * Math.log(1 - chance(seed))) * Math.cos(2 * Math.PI * chance(seed ^ 0x5bd1e995));
  const tail = chance(seed + 13) > 0.98 ? reach(matrix, column) : 1;
  return (normal * tail) / MEAN_OF_NORMAL;
}

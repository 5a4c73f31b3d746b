/** Statistics, analyses and a calibration of a model that does not exist, in a library: what windows and budgets work on. */
import { ANALYSED_ERRORS } from '../shared/analysed-errors.ts';
import type { CalibratingRun, Store, StoredStatistics } from '../main/service/store/store.ts';
import { matricesOf } from '../main/service/statistics/column-tasks.ts';
import type { KnownModel } from '../main/service/statistics/known-columns.ts';
import { ANALYSED_TAIL_SHARES, ANALYSED_WIDTHS } from '../shared/loss-profile.ts';
import type { ModelId } from '../shared/library.ts';
import {
  MATRIX_GROUPS,
  MATRIX_KINDS,
  type ModelDescription,
  matrixShape,
  quantizedWeights,
} from '../shared/model.ts';
import { OUTLIER_LEVELS } from '../shared/outlier-levels.ts';
import { uniforms } from './synthetic-matrix.ts';

export interface SyntheticMatrix {
  readonly statistics: StoredStatistics;
  readonly errors: Float16Array;
}

/** Few columns reach far, all have some outliers at small S: a steep head and a long flat tail. */
export function* syntheticColumns(description: ModelDescription): Generator<SyntheticMatrix, undefined> {
  for (const [number, { block, kind }] of matricesOf(description).entries()) {
    const { rows, columns } = matrixShape(description, kind);
    const uniform = uniforms(number + 1);
    const reaches = Float32Array.from({ length: columns }, () => 1 + 11 * uniform() ** 24);
    const counts = OUTLIER_LEVELS.map((s) =>
      Uint32Array.from(reaches, (reach) => rows * 0.08 * Math.exp((2 - s) / (0.4 * reach)) + uniform()),
    );
    const outliers = new Uint32Array(OUTLIER_LEVELS.length * columns);
    for (const [level, each] of counts.entries()) outliers.set(each, level * columns);
    const energies = reaches.map((reach) => rows * 4e-4 * (1 + 0.1 * reach));
    const statistics: StoredStatistics = {
      block,
      kind,
      rows,
      columns,
      meanMagnitude: 0.016,
      maxMagnitude: 0.016 * 40,
      maxima: reaches.map((reach) => 0.016 * (3 + 2 * reach * uniform())),
      energies,
      means: reaches.map(() => 1e-4 * (uniform() - 0.5)),
      variances: energies.map((energy) => energy / rows),
      levels: OUTLIER_LEVELS.length,
      outliers,
    };
    const errors = new Float16Array(columns * ANALYSED_ERRORS);
    let at = 0;
    for (const reach of reaches) {
      const steep = 12 + 2 * reach + uniform();
      for (const share of ANALYSED_TAIL_SHARES) {
        const error = (0.34 + 0.02 * reach) * Math.exp(-share * steep);
        for (const width of ANALYSED_WIDTHS) errors[at++] = error * 3.6 ** (1 - width);
      }
    }
    yield { statistics, errors };
  }
  return undefined;
}

/** Puts a model into the library whose weights are in a folder, or would be. */
export function insertModel(store: Store, folder: string, description: ModelDescription): ModelId {
  const weights = quantizedWeights(description);
  return store.models.insert({
    name: 'Synthetic 7B',
    folder,
    source: { kind: 'folder' },
    addedAt: '2026-01-01T00:00:00.000Z',
    description,
    parameters: weights,
    quantizedWeights: weights,
    bytes: 2 * weights,
    dtype: 'F16',
    quantized: null,
  });
}

/** Puts all of it into the library but for the calibration. */
export function fillStatistics(
  store: Store,
  { modelId, filesKey }: KnownModel,
  description: ModelDescription,
): void {
  for (const { statistics, errors } of syntheticColumns(description)) {
    const { block, kind, columns } = statistics;
    store.transaction(() => {
      store.columnStatistics.save(modelId, filesKey, statistics);
      store.analyses.save(modelId, filesKey, { block, kind, columns, errors });
    });
  }
}

export function fillCalibration(
  store: Store,
  run: Omit<CalibratingRun, 'groups'>,
  description: ModelDescription,
): void {
  const groups = description.blocks * MATRIX_GROUPS.length;
  for (let block = 0; block < description.blocks; block++) {
    for (const [kind] of MATRIX_GROUPS) {
      const { columns } = matrixShape(description, kind);
      const uniform = uniforms(block * MATRIX_KINDS.length + MATRIX_KINDS.indexOf(kind));
      const diagonal = Float32Array.from({ length: columns }, () => -Math.log(uniform()));
      const sensitivity = diagonal.map((value) => value * (0.1 + 0.9 * uniform()));
      store.calibrations.save({ ...run, groups }, { block, kind, diagonal, sensitivity });
    }
  }
}

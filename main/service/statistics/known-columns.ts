import { orderByCounts, tieOrder } from '../../../shared/column-order.ts';
import type { ModelId } from '../../../shared/library.ts';
import type { ErrorWeighting } from '../../../shared/loss-profile.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { MATRIX_GROUPS, type MatrixKind, matrixName } from '../../../shared/model.ts';
import type { TieRule } from '../../../shared/outlier-order.ts';
import type { CalibrationId, ColumnSizes, Store } from '../store/store.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';

/** What is in the store of a model's columns, of the files that it has now. */
export interface KnownModel {
  readonly modelId: ModelId;
  readonly filesKey: string;
}

/**
 * Orders and weights of a model's columns. What an order takes beside the counts at its S is made once and kept: 2 bytes a column.
 */
export class KnownColumns {
  readonly #store: Store;
  readonly #model: KnownModel;
  readonly #calibration: CalibrationId | undefined;
  readonly #ties = new Map<string, Uint16Array>();

  constructor(store: Store, model: KnownModel) {
    this.#store = store;
    this.#model = model;
    this.#calibration = store.calibrations.latest(model.modelId, model.filesKey);
  }

  /** Whether these are still the model's, with its latest calibration. */
  areOf({ modelId, filesKey }: KnownModel): boolean {
    const known = this.#model;
    return (
      known.modelId === modelId &&
      known.filesKey === filesKey &&
      this.#store.calibrations.latest(modelId, filesKey) === this.#calibration
    );
  }

  get tieRule(): TieRule {
    return this.#calibration === undefined ? 'max-weight' : 'hessian-diagonal';
  }

  get weighting(): ErrorWeighting {
    return this.#calibration === undefined ? 'none' : 'calibrated';
  }

  /** What breaks ties. Throws ClaqError statistics/not-measured. */
  ties(place: MatrixAt, { columns, maxima }: Omit<ColumnSizes, 'energies'>): Float32Array {
    return this.#calibrated(place, columns)?.diagonal ?? maxima;
  }

  /** Columns in Outlier Order at one of OUTLIER_LEVELS. Throws ClaqError statistics/not-measured. */
  order(place: MatrixAt, level: number): Uint16Array {
    const { modelId, filesKey } = this.#model;
    return orderByCounts(
      this.#tieOrder(place),
      this.#store.columnStatistics.counts(modelId, filesKey, place, level),
    );
  }

  /**
   * Sum of squares of each column, weighted by what its errors do to the layer's output where that is known, as the loss of a run
   * is. Throws ClaqError statistics/not-measured.
   */
  energies(place: MatrixAt): Float64Array {
    const { columns, energies } = this.sizes(place);
    const sensitivity = this.#calibrated(place, columns)?.sensitivity;
    if (sensitivity === undefined) return Float64Array.from(energies);
    return Float64Array.from(energies, (energy, column) => (energy * (sensitivity[column] ?? 0)) / 2);
  }

  /** Throws ClaqError statistics/not-measured. */
  sizes(place: MatrixAt): ColumnSizes {
    const { modelId, filesKey } = this.#model;
    const sizes = this.#store.columnStatistics.sizes(modelId, filesKey, place.block, place.kind);
    if (sizes === undefined) throw notMeasured(place);
    return sizes;
  }

  #tieOrder(place: MatrixAt): Uint16Array {
    const name = matrixName(place.block, place.kind);
    const known = this.#ties.get(name);
    if (known !== undefined) return known;
    const made = tieOrder(this.ties(place, this.sizes(place)));
    this.#ties.set(name, made);
    return made;
  }

  /** What the calibration says of the matrix' group; undefined without one, or where it is of another model. */
  #calibrated({ block, kind }: MatrixAt, columns: number) {
    if (this.#calibration === undefined) return undefined;
    const group = this.#store.calibrations.group(this.#calibration, block, firstOfGroup(kind));
    return group?.diagonal.length === columns ? group : undefined;
  }
}

function firstOfGroup(kind: MatrixKind): MatrixKind {
  const group = MATRIX_GROUPS.find((kinds) => kinds.some((each) => each === kind));
  return group?.[0] ?? kind;
}

export function notMeasured({ block, kind }: MatrixAt): ClaqError {
  return new ClaqError('statistics/not-measured', 'The columns of this matrix are not measured yet', {
    where: matrixName(block, kind),
    remedy: "measure the model's columns first",
  });
}

/** What a run's calibration learns of a group of matrices, which share their inputs. */
import type { MatrixKind } from './model.ts';

export interface GroupCalibration {
  readonly block: number;
  /** The first matrix of the group (MATRIX_GROUPS). */
  readonly kind: MatrixKind;
  /** diag(H), one value a column. */
  readonly diagonal: Float32Array;
  /** D of H = U D U^T, one value a column: what an error in the column costs. 0 for columns whose inputs were always 0. */
  readonly sensitivity: Float32Array;
}

/** Told of each group as soon as its Hessian is factored. */
export type OnCalibration = (calibration: GroupCalibration) => void;

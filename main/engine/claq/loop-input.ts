/** What the column loop is given: matrices, what each of their columns gets, and how codebooks come about. */
import type { ColumnPlan } from '../../../shared/budget.ts';
import type { CodebookFit } from '../../../shared/method.ts';
import type { CarryPrecision } from '../tensors/carry-product.ts';
import type { Couplings } from './couplings.ts';
import type { Reserve } from './error-reservation.ts';
import type { UniformGrid } from './uniform-grid.ts';

/** `optimal`: dynamic programme and Lloyd steps. `scikit`: k-means++ and Lloyd, as the authors' code. */
export type Clustering = 'optimal' | 'scikit';

export interface ColumnLoopOptions {
  /** Fit codebooks on the entries that stay in the code (`kept`), or on all, reserved ones included. */
  readonly codebookFit: CodebookFit;
  readonly clustering: Clustering;
  /** Off for round-to-nearest: columns are quantized as they are. */
  readonly compensate: boolean;
  /** Blocks of columns between two of TensorFlow's products, where the factor stands on its device; by size where not given. */
  readonly stretch?: number;
  /** Of these products; by the processor where not given. */
  readonly carryPrecision?: CarryPrecision;
  readonly seed: number;
  /** The tails where it is not said. */
  readonly reserve?: Reserve | undefined;
  /** Sweeps behind the loop (sweeps.ts); the couplings stay the caller's. */
  readonly sweeps?: { readonly count: number; readonly couplings: Couplings } | undefined;
}

/** One matrix of a group: its weights and what each column gets. */
export interface LoopInput {
  readonly rows: number;
  /** [rows, columns] row-major. */
  readonly weights: Float32Array;
  readonly plan: ColumnPlan;
  /** [rows]: what the weights have been divided by (row-scales.ts). None: nothing. */
  readonly rowScales?: Float32Array | undefined;
  /** Centroids of narrow codebooks in a byte each (byte-codebooks.ts); of scaled rows alone. */
  readonly byteCodebooks?: boolean | undefined;
  /** [rows]: what a squared error in each row weighs (row-sensitivity.ts). None: all alike. */
  readonly rowWeights?: Float32Array | undefined;
  /** A uniform grid instead of codebooks. */
  readonly grid?: UniformGrid;
}

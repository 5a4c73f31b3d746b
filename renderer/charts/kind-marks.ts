/** How the kinds of matrices are told apart where each is a line. */
import type { MatrixKind } from '../../shared/model.ts';

export interface KindMark {
  readonly colour: string;
  /** Lengths of the line's dashes and gaps in pixels; none where it is solid. */
  readonly dash: readonly number[];
}

/**
 * Seven colours that the colour-blind tell apart (Paul Tol, "bright"), on both themes' surfaces. Colours that are close for some
 * have other dashes.
 */
export const KIND_MARKS: Readonly<Record<MatrixKind, KindMark>> = {
  q: { colour: '#4477aa', dash: [] },
  k: { colour: '#66ccee', dash: [6, 3] },
  v: { colour: '#228833', dash: [2, 2] },
  o: { colour: '#ccbb44', dash: [10, 3] },
  gate: { colour: '#ee6677', dash: [] },
  up: { colour: '#aa3377', dash: [6, 3] },
  down: { colour: '#999999', dash: [2, 2] },
};

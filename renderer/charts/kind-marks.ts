/** How the kinds of matrices are told apart where each is a line. */
import type { MatrixKind } from '../../shared/model.ts';

export interface KindMark {
  readonly colour: string;
  /** ECharts' name of the sign. */
  readonly symbol: string;
}

/**
 * Seven colours that the colour-blind tell apart (Paul Tol, "bright"), each with a sign of its own, one a kind of matrix.
 * Both themes' surfaces are far enough from all of them.
 */
export const KIND_MARKS: Readonly<Record<MatrixKind, KindMark>> = {
  q: { colour: '#4477aa', symbol: 'circle' },
  k: { colour: '#66ccee', symbol: 'rect' },
  v: { colour: '#228833', symbol: 'triangle' },
  o: { colour: '#ccbb44', symbol: 'diamond' },
  gate: { colour: '#ee6677', symbol: 'emptyCircle' },
  up: { colour: '#aa3377', symbol: 'emptyRect' },
  down: { colour: '#999999', symbol: 'emptyTriangle' },
};

/** How the kinds of matrices are told apart where each is a line. */
import type { MatrixKind } from '../../shared/model.ts';

export interface KindMark {
  readonly colour: string;
  /** ECharts' name of the sign. */
  readonly symbol: string;
  /** Lengths of a line's dashes and gaps in pixels. */
  readonly dash: 'solid' | readonly number[];
}

/**
 * Seven colours that the colour-blind tell apart (Paul Tol, "bright"), each with a sign of its own, one a kind of matrix; kinds of like colours have other dashes.
 * Both themes' surfaces are far enough from all of them.
 */
export const KIND_MARKS: Readonly<Record<MatrixKind, KindMark>> = {
  q: { colour: '#4477aa', symbol: 'circle', dash: 'solid' },
  k: { colour: '#66ccee', symbol: 'rect', dash: [6, 3] },
  v: { colour: '#228833', symbol: 'triangle', dash: [2, 2] },
  o: { colour: '#ccbb44', symbol: 'diamond', dash: [10, 3] },
  gate: { colour: '#ee6677', symbol: 'emptyCircle', dash: 'solid' },
  up: { colour: '#aa3377', symbol: 'emptyRect', dash: [6, 3] },
  down: { colour: '#999999', symbol: 'emptyTriangle', dash: [2, 2] },
};

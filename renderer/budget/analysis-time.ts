/** Weights that an analysis gets through in a second on two cores: a million a thread, as measured on the demo model. */
const WEIGHTS_A_SECOND = 2e6;

/** About how long analysing takes there. */
export function analysisSeconds(weights: number): number {
  return Math.max(1, weights / WEIGHTS_A_SECOND);
}

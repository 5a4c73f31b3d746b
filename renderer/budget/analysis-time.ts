import { MATRIX_KINDS, type ModelDescription, matrixShape } from '../../shared/model.ts';

/**
 * What a column takes on one thread, in seconds: 0.19 ms with the demo model's 192 rows and 0.41 with 4096. SmolLM2's columns take 0.3
 * (`npm run bench:inspect -- --analyse`), beside other programs.
 */
const SECONDS_A_COLUMN = 1.8e-4;
const SECONDS_A_ROW = 5.6e-8;
/** Where nothing is known of the machine. */
const THREADS = 2;

/** About how long analysing a model takes on two cores. */
export function analysisSeconds(model: ModelDescription): number {
  const block = MATRIX_KINDS.reduce((sum, kind) => {
    const { rows, columns } = matrixShape(model, kind);
    return sum + columns * (SECONDS_A_COLUMN + rows * SECONDS_A_ROW);
  }, 0);
  return Math.max(1, (model.blocks * block) / THREADS);
}

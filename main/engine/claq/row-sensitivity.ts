/**
 * Row sensitivity: the model's loss does not feel all outputs of a layer alike. By second order an error e of row i's output
 * raises the loss by F_i e^2 / 2, with F_i the mean squared gradient there (sensitivity/measure-sensitivity.ts). A column's codebook
 * serves all rows, so their squared errors weigh F_i where it is fitted, where entries are reserved by their errors, and where
 * widths are allocated. Costs no bits. (Kim et al. 2023, SqueezeLLM, weigh each weight so, by its own gradient.)
 */

/** A row that the text's loss hardly felt counts for something on other text. */
const LEAST_WEIGHT = 1e-3;

/**
 * F_i by its mean over the rows, so that losses of matrices stay comparable; [rows].
 * @param squares of each row: the mean squared gradient at its output
 */
export function rowWeights(squares: Float32Array): Float32Array {
  const mean = squares.reduce((sum, square) => sum + square, 0) / squares.length;
  if (!(mean > 0)) return new Float32Array(squares.length).fill(1);
  return squares.map((square) => Math.max(square / mean, LEAST_WEIGHT));
}

/** What errors of rows divided by their scales weigh, r_i^2 F_i; undefined where all weigh the same. */
export function scaledRowWeights(
  scales: Float32Array | undefined,
  weights: Float32Array | undefined,
): Float32Array | undefined {
  if (scales === undefined) return weights;
  return scales.map((scale, row) => scale * scale * (weights?.[row] ?? 1));
}

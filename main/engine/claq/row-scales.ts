/**
 * Row scales: rows of a matrix differ in size, and a column's codebook has to serve them all. Each row is divided by its root mean
 * square r_i before the column loop and multiplied with it afterwards; the loop sees W[i, j] / r_i, and its squared errors
 * weigh r_i^2, so that the loss stays the same. Costs 16 / columns bits a weight.
 * (Weighted K-Means: as SqueezeLLM, Kim et al. 2023, with the scale's square for a sensitivity.)
 */
/** Root mean square of each row in half precision, [rows]; 1 for rows of zeros, and of what half precision has no number for. */
export function rowScales(weights: Float32Array, rows: number): Float32Array {
  const columns = weights.length / rows;
  const scales = Float16Array.from({ length: rows }, (_, row) => {
    let squares = 0;
    for (let at = row * columns; at < (row + 1) * columns; at++) squares += (weights[at] ?? 0) ** 2;
    return Math.sqrt(squares / columns);
  });
  return Float32Array.from(scales, (scale) => (scale > 0 && Number.isFinite(scale) ? scale : 1));
}

/** The root mean square of the whole matrix for each row, likewise: where a scale is needed and rows are not to have their own. */
export function matrixScale(weights: Float32Array, rows: number): Float32Array {
  const [scale = 1] = rowScales(weights, 1);
  return new Float32Array(rows).fill(scale);
}

/** W[i, j] / r_i, row-major. */
export function divideRows(weights: Float32Array, scales: Float32Array): Float32Array {
  const columns = weights.length / scales.length;
  const divided = new Float32Array(weights.length);
  for (const [row, scale] of scales.entries()) {
    for (let at = row * columns; at < (row + 1) * columns; at++) divided[at] = (weights[at] ?? 0) / scale;
  }
  return divided;
}

/**
 * The uniform grid of the baselines (round-to-nearest, GPTQ): per row, or per row and group of columns, an asymmetric
 * grid from the smallest to the largest weight, zero included, as in the GPTQ code (Frantar et al. 2022).
 */
export interface UniformGrid {
  readonly groupSize: number;
  readonly groups: number;
  /** [groups][rows] */
  readonly scales: Float32Array;
  readonly zeros: Float32Array;
}

/**
 * @param weights [rows, columns] row-major, before any compensation ("static groups": the grid does not depend on the order)
 * @param groupSize columns that share a grid; `columns` for one grid a row
 */
export function uniformGrid(
  weights: Float32Array,
  rows: number,
  columns: number,
  width: number,
  groupSize: number,
): UniformGrid {
  const groups = Math.ceil(columns / groupSize);
  const scales = new Float32Array(groups * rows);
  const zeros = new Float32Array(groups * rows);
  const top = 2 ** width - 1;
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const from = row * columns + group * groupSize;
      const to = row * columns + Math.min(columns, (group + 1) * groupSize);
      let low = 0;
      let high = 0;
      for (const weight of weights.subarray(from, to)) {
        if (weight < low) low = weight;
        else if (weight > high) high = weight;
      }
      if (low === high) {
        low = -1;
        high = 1;
      }
      const scale = roundScale((high - low) / top);
      scales[group * rows + row] = scale;
      zeros[group * rows + row] = Math.min(top, Math.round(-low / scale));
    }
  }
  return { groupSize, groups, scales, zeros };
}

/** Scales are stored as halves. One that would round to zero becomes the smallest half. */
function roundScale(scale: number): number {
  const half = new Float16Array([scale])[0] ?? 0;
  return half === 0 ? 2 ** -24 : half;
}

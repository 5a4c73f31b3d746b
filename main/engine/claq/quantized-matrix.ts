/** A quantized matrix as the column loop leaves it: codes, codebooks (or a grid), reserved entries, loss. */

export type Levels =
  | {
      readonly kind: 'codebook';
      /** First centroid of each column in `centroids`; [columns + 1]. Column c has 2^widths[c] of them, ascending. */
      readonly start: Int32Array;
      /** All codebooks, column after column; each value is exact in half precision. */
      readonly centroids: Float32Array;
      /** [rows]: what the centroids of a row's codes are multiplied with; exact in half precision. None: as they are. */
      readonly rowScales?: Float32Array;
    }
  | {
      readonly kind: 'grid';
      /** Columns that share a scale and a zero point. */
      readonly groupSize: number;
      /** [groups][rows]; scales are exact in half precision. */
      readonly scales: Float32Array;
      readonly zeros: Uint8Array;
    };

export interface QuantizedMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly widths: Uint8Array;
  readonly levels: Levels;
  /** [columns][rows], zero where an entry is reserved. */
  readonly codes: Uint8Array;
  /** Reserved entries of column c: [reservedStart[c], reservedStart[c + 1]), rows ascending, values exact in half precision. */
  readonly reservedStart: Int32Array;
  readonly reservedRows: Int32Array;
  readonly reservedValues: Float32Array;
  /** sum over entries of (w - q)^2 / U[i,i]^2 / 2, w the compensated weight. NaN where it is not known (read from a file). */
  readonly loss: number;
}

/** The weights that the codes stand for, [rows, columns] row-major. */
export function dequantize(matrix: QuantizedMatrix): Float32Array {
  const { rows, columns, levels, codes } = matrix;
  const weights = new Float32Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const first = column * rows;
    if (levels.kind === 'codebook') {
      const start = levels.start[column] ?? 0;
      for (let row = 0; row < rows; row++) {
        const centroid = levels.centroids[start + (codes[first + row] ?? 0)] ?? 0;
        weights[row * columns + column] = scale(centroid, levels.rowScales?.[row]);
      }
    } else {
      const group = Math.floor(column / levels.groupSize) * rows;
      for (let row = 0; row < rows; row++) {
        const level = (codes[first + row] ?? 0) - (levels.zeros[group + row] ?? 0);
        weights[row * columns + column] = Math.fround((levels.scales[group + row] ?? 0) * level);
      }
    }
    const end = matrix.reservedStart[column + 1] ?? 0;
    for (let i = matrix.reservedStart[column] ?? 0; i < end; i++) {
      weights[(matrix.reservedRows[i] ?? 0) * columns + column] = matrix.reservedValues[i] ?? 0;
    }
  }
  return weights;
}

function scale(centroid: number, rowScale: number | undefined): number {
  return rowScale === undefined ? centroid : Math.fround(rowScale * centroid);
}

/** Number of reserved entries of each column. */
export function reservedCounts({ reservedStart, columns }: QuantizedMatrix): Int32Array {
  return Int32Array.from(
    { length: columns },
    (_, c) => (reservedStart[c + 1] ?? 0) - (reservedStart[c] ?? 0),
  );
}

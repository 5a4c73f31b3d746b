/** A quantized matrix as the column loop leaves it: codes, codebooks (or a grid), reserved entries, loss. */
import type { CodebookForm } from '../../../shared/bits.ts';

export type Levels =
  | {
      readonly kind: 'codebook';
      /** First centroid of each column in `centroids`; [columns + 1]. Column c has 2^widths[c] of them, ascending. */
      readonly start: Int32Array;
      /** All codebooks, column after column; each value is exact in the precision that it is stored in. */
      readonly centroids: Float32Array;
      /** Codebooks of up to byteWidth(rows) bits are in float8 (byte-codebooks.ts). Not: all are in half precision. */
      readonly byteCodebooks?: boolean;
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

/** How its codebooks are written. */
export function codebookFormOf(levels: Extract<Levels, { kind: 'codebook' }>): CodebookForm {
  return { scaledRows: levels.rowScales !== undefined, byteCodebooks: levels.byteCodebooks === true };
}

/** The weights that the codes stand for, [rows, columns] row-major. */
export function dequantize(matrix: QuantizedMatrix): Float32Array {
  const { rows, columns, levels } = matrix;
  const weights = new Float32Array(rows * columns);
  if (levels.kind === 'codebook') lookUpCentroids(matrix, levels, weights);
  else lookUpGrid(matrix, levels, weights);
  for (let column = 0; column < columns; column++) {
    const end = matrix.reservedStart[column + 1] ?? 0;
    for (let i = matrix.reservedStart[column] ?? 0; i < end; i++) {
      weights[(matrix.reservedRows[i] ?? 0) * columns + column] = matrix.reservedValues[i] ?? 0;
    }
  }
  return weights;
}

/** Columns that are filled in together: a cache line of a row is then written once, not once for each of its columns. */
const LINE = 16;

function lookUpCentroids(
  { rows, columns, codes }: QuantizedMatrix,
  { start, centroids, rowScales }: Extract<Levels, { kind: 'codebook' }>,
  weights: Float32Array,
): void {
  for (let first = 0; first < columns; first += LINE) {
    const end = Math.min(first + LINE, columns);
    for (let row = 0; row < rows; row++) {
      const scale = rowScales?.[row] ?? 1;
      for (let column = first; column < end; column++) {
        const centroid = centroids[(start[column] ?? 0) + (codes[column * rows + row] ?? 0)] ?? 0;
        weights[row * columns + column] = scale * centroid;
      }
    }
  }
}

function lookUpGrid(
  { rows, columns, codes }: QuantizedMatrix,
  { groupSize, scales, zeros }: Extract<Levels, { kind: 'grid' }>,
  weights: Float32Array,
): void {
  for (let first = 0; first < columns; first += LINE) {
    const end = Math.min(first + LINE, columns);
    for (let row = 0; row < rows; row++) {
      for (let column = first; column < end; column++) {
        const cell = Math.floor(column / groupSize) * rows + row;
        const level = (codes[column * rows + row] ?? 0) - (zeros[cell] ?? 0);
        weights[row * columns + column] = (scales[cell] ?? 0) * level;
      }
    }
  }
}

/** Number of reserved entries of each column. */
export function reservedCounts({ reservedStart, columns }: QuantizedMatrix): Int32Array {
  return Int32Array.from(
    { length: columns },
    (_, c) => (reservedStart[c + 1] ?? 0) - (reservedStart[c] ?? 0),
  );
}

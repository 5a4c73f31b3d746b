import type { MatrixShape } from '../../shared/model.ts';

/** Statistics of a matrix's columns by their definitions, in float64. */
export interface PlainStatistics {
  readonly meanMagnitude: number;
  readonly maxima: Float32Array;
  /** Of each column: sum of squares, mean, and variance around it. */
  readonly energies: Float64Array;
  readonly means: Float64Array;
  readonly variances: Float64Array;
  /** Of each S: entries of each column with |w| >= S mean|W|. */
  readonly outliers: readonly Uint32Array[];
}

/**
 * Sums run down the columns, and the matrix's over the columns' sums: in the order that the kernels keep.
 *
 * @param weights row-major, [rows, columns]
 * @param sValues each above 0
 */
export function plainStatistics(
  weights: Float32Array,
  { rows, columns }: MatrixShape,
  sValues: readonly number[],
): PlainStatistics {
  const entries = Array.from({ length: columns }, (_, column) =>
    Float64Array.from({ length: rows }, (__, row) => weights[row * columns + column] ?? 0),
  );
  const sums = (value: (entry: number, mean: number) => number, means?: Float64Array): Float64Array =>
    Float64Array.from(entries, (column, index) =>
      column.reduce((sum, entry) => sum + value(entry, means?.[index] ?? 0), 0),
    );
  const magnitudes = sums(Math.abs);
  const meanMagnitude = magnitudes.reduce((sum, each) => sum + each, 0) / (rows * columns);
  const means = sums((entry) => entry).map((sum) => sum / rows);
  return {
    meanMagnitude,
    maxima: Float32Array.from(entries, (column) =>
      column.reduce((most, w) => Math.max(most, Math.abs(w)), 0),
    ),
    energies: sums((entry) => entry ** 2),
    means,
    variances: sums((entry, mean) => (entry - mean) ** 2, means).map((sum) => sum / rows),
    outliers: sValues.map((s) =>
      Uint32Array.from(entries, (column) =>
        meanMagnitude === 0 ? 0 : column.filter((w) => Math.abs(w) >= s * meanMagnitude).length,
      ),
    ),
  };
}

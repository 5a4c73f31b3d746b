/** The figures behind the pictures, as tables that other programs read. */
import type { MatrixKind } from '../../shared/model.ts';
import type { MatrixSensitivity } from '../../shared/sensitivity.ts';
import type { MatrixOverview } from '../../shared/statistics.ts';
import { csvText, type CsvCell } from '../charts/csv-text.ts';
import type { Histogram } from './histogram.ts';
import type { ColumnRanks } from './loaded-matrix.ts';
import type { CellRange } from './map-window.ts';
import { outlierRatio } from './measured.ts';

/** A line a matrix: its outliers at one S. */
export function matricesCsv(matrices: readonly MatrixOverview[], level: number, s: number): string {
  return csvText(
    [
      'layer',
      'matrix',
      'rows',
      'columns',
      's',
      'outliers',
      'outlier_ratio',
      'ranked_columns',
      'mean_magnitude',
      'max_magnitude',
    ],
    matrices.map((matrix) => {
      const { block, kind, rows, columns, meanMagnitude, maxMagnitude } = matrix;
      const outliers = matrix.outliers[level] ?? 0;
      const ratio = outlierRatio({ outliers, entries: rows * columns });
      return [
        block,
        kind,
        rows,
        columns,
        s,
        outliers,
        ratio,
        matrix.ranked[level] ?? 0,
        meanMagnitude,
        maxMagnitude,
      ];
    }),
  );
}

/** A line a matrix. */
export function sensitivityCsv(matrices: readonly MatrixSensitivity[]): string {
  return csvText(
    ['layer', 'matrix', 'mean_squared_gradient', 'median_squared_gradient'],
    matrices.map(({ block, kind, mean, median }) => [block, kind, mean, median]),
  );
}

/** A line a layer and line of the chart. */
export function linesCsv(
  lines: readonly {
    readonly name: string;
    readonly points: readonly (readonly [block: number, ratio: number])[];
  }[],
  s: number,
): string {
  return csvText(
    ['line', 'layer', 's', 'outlier_ratio'],
    lines.flatMap(({ name, points }) => points.map(([block, ratio]): CsvCell[] => [name, block, s, ratio])),
  );
}

/** A matrix's columns at one S. */
export interface RankedMatrix {
  readonly block: number;
  readonly kind: MatrixKind;
  readonly rows: number;
  readonly outliers: Uint32Array;
  readonly ranks: ColumnRanks;
}

/** A line a column, in Outlier Order, with the share of the matrix's outliers that the columns up to it hold. */
export function columnsCsv(matrices: readonly RankedMatrix[], s: number): string {
  return csvText(
    ['layer', 'matrix', 's', 'rank', 'column', 'outliers', 'outlier_ratio', 'held_share'],
    matrices.flatMap(({ block, kind, rows, outliers, ranks }) => {
      const all = outliers.reduce((sum, count) => sum + count, 0);
      let held = 0;
      return Array.from(ranks.order, (column, rank): CsvCell[] => {
        const count = outliers[column] ?? 0;
        held += count;
        return [block, kind, s, rank + 1, column, count, count / rows, all === 0 ? null : held / all];
      });
    }),
  );
}

/** A line an entry of the window: |w| / mean |W|. */
export function entriesCsv({ rows, columns }: CellRange, values: Float32Array): string {
  const width = columns[1] - columns[0];
  return csvText(
    ['row', 'column', 'magnitude_by_mean'],
    Array.from(values, (value, at) => [rows[0] + Math.floor(at / width), columns[0] + (at % width), value]),
  );
}

/** A line a bin. */
export function histogramCsv({ from, width, counts }: Histogram): string {
  return csvText(
    ['from', 'to', 'entries'],
    Array.from(counts, (count, bin) => [from + bin * width, from + (bin + 1) * width, count]),
  );
}

/** A line a width. */
export function widthsCsv(
  codebooks: readonly {
    readonly width: number;
    readonly centroids: readonly number[];
    readonly squaredError: number;
  }[],
  energy: number,
): string {
  return csvText(
    ['width', 'centroids', 'squared_error', 'relative_error'],
    codebooks.map(({ width, centroids, squaredError }) => [
      width,
      centroids.length,
      squaredError,
      energy === 0 ? null : squaredError / energy,
    ]),
  );
}

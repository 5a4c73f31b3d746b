import type { ColumnView } from '../../../shared/statistics.ts';
import { type FitColumn, loadColumnFitter } from '../../engine/inspect/fit-column.ts';
import { numberText } from '../number-text.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { type BandSource, readWindow, requireMatrix } from './matrix-bands.ts';

let fitter: Promise<FitColumn> | undefined;

/**
 * A column's weights, [rows].
 *
 * @throws ClaqError request/invalid for a column that the matrix does not have, run/cancelled, and what reading throws
 */
export async function readColumn(
  source: BandSource,
  place: MatrixAt,
  column: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { rows } = requireMatrix(source, place);
  const values = new Float32Array(rows);
  const window = { rows: [0, rows], columns: [column, column + 1] } as const;
  const visit = (row: number, [value = 0]: Float32Array): void => {
    values[row] = value;
  };
  await readWindow(source, place, window, visit, signal);
  return values;
}

/**
 * A column with what a codebook of each width would make of it.
 *
 * @param tailShare reserved at each tail, 0 to 0.25
 * @throws ClaqError engine/kernel-failed
 */
export async function viewColumn(
  values: Float32Array,
  column: number,
  { tailShare, meanMagnitude }: { readonly tailShare: number; readonly meanMagnitude: number },
): Promise<ColumnView> {
  fitter ??= loadColumnFitter();
  const { sorted, reserved, codebooks } = (await fitter)(values, tailShare);
  return {
    column,
    rows: values.length,
    sorted: numberText(sorted),
    meanMagnitude,
    reserved,
    codebooks: codebooks.map(({ width, centroids, squaredError }) => ({
      width,
      centroids: [...centroids],
      squaredError,
    })),
  };
}

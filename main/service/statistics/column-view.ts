import type { ColumnView } from '../../../shared/statistics.ts';
import { type FitColumn, loadColumnFitter } from '../../engine/inspect/fit-column.ts';
import { numberText } from '../number-text.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { type BandSource, readWindow, requireMatrix } from './matrix-bands.ts';

let fitter: Promise<FitColumn> | undefined;

/**
 * A column with what a codebook of each width would make of it.
 *
 * @param tailShare reserved at each tail, 0 to 0.25
 * @throws ClaqError request/invalid for a column that the matrix does not have, engine/kernel-failed, and what reading throws
 */
export async function viewColumn(
  source: BandSource,
  place: MatrixAt,
  column: number,
  { tailShare, meanMagnitude }: { readonly tailShare: number; readonly meanMagnitude: number },
): Promise<ColumnView> {
  const { rows } = requireMatrix(source, place);
  const values = new Float32Array(rows);
  await readWindow(source, place, { rows: [0, rows], columns: [column, column + 1] }, (row, [value = 0]) => {
    values[row] = value;
  });
  fitter ??= loadColumnFitter();
  const { sorted, reserved, codebooks } = (await fitter)(values, tailShare);
  return {
    column,
    rows,
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

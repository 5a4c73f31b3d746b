import { type Entries, MAX_ENTRY_CELLS } from '../../../shared/statistics.ts';
import { numberText } from '../number-text.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';
import { type BandSource, type MatrixWindow, readWindow } from './matrix-bands.ts';

/**
 * A picture of a matrix' entries: |w| / mean|W|, of a window with more than MAX_ENTRY_CELLS entries in a direction the largest of
 * each cell.
 *
 * @throws ClaqError request/invalid for a window outside of the matrix, run/cancelled, and what reading throws
 */
export async function readEntries(
  source: BandSource,
  place: MatrixAt,
  window: MatrixWindow,
  meanMagnitude: number,
  signal?: AbortSignal,
): Promise<Entries> {
  const { rows, columns } = window;
  const rowStep = Math.max(1, Math.ceil((rows[1] - rows[0]) / MAX_ENTRY_CELLS));
  const columnStep = Math.max(1, Math.ceil((columns[1] - columns[0]) / MAX_ENTRY_CELLS));
  const cellsInRow = Math.max(0, Math.ceil((columns[1] - columns[0]) / columnStep));
  const cells = new Float32Array(Math.max(0, Math.ceil((rows[1] - rows[0]) / rowStep)) * cellsInRow);
  const visit = (row: number, values: Float32Array): void => {
    const first = Math.floor((row - rows[0]) / rowStep) * cellsInRow;
    for (let cell = 0, from = 0; cell < cellsInRow; cell++, from += columnStep) {
      const to = Math.min(from + columnStep, values.length);
      let largest = cells[first + cell] ?? 0;
      for (let column = from; column < to; column++) {
        const magnitude = Math.abs(values[column] ?? 0);
        if (magnitude > largest) largest = magnitude;
      }
      cells[first + cell] = largest;
    }
  };
  await readWindow(source, place, window, visit, signal);
  // A matrix of zeros has nothing larger than its mean.
  const relative = meanMagnitude === 0 ? cells : cells.map((largest) => largest / meanMagnitude);
  return {
    rows: [rows[0], rows[1]],
    columns: [columns[0], columns[1]],
    rowStep,
    columnStep,
    values: numberText(relative),
  };
}

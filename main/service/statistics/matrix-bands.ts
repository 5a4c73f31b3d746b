/** Parts of a matrix, read from its file in bands of whole rows: little memory, whatever the matrix' size. */
import { type MatrixShape, matrixName, matrixShape } from '../../../shared/model.ts';
import { throwIfCancelled } from '../../../shared/cancellation.ts';
import { ClaqError } from '../../../shared/errors.ts';
import type { Checkpoint } from '../../engine/checkpoint/checkpoint.ts';
import { decodeFloats } from '../../engine/checkpoint/half-precision.ts';
import { bytesPerElement } from '../../engine/checkpoint/safetensors-dtype.ts';
import type { MatrixAt } from '../../engine/inspect/stored-matrix.ts';

/** Stored bytes of a band, where a row is no longer: milliseconds of reading. */
const BAND_BYTES = 2 ** 22;

/** What reading a part of a matrix takes. */
export type BandSource = Pick<Checkpoint, 'folder' | 'model' | 'tensors' | 'readBytes'>;

/** Rows [from, to) and columns [from, to) of a matrix. */
export interface MatrixWindow {
  readonly rows: readonly [from: number, to: number];
  readonly columns: readonly [from: number, to: number];
}

/**
 * Reads a window of a matrix, row after row.
 *
 * @param visit of each row its entries in the window, which are others afterwards
 * @throws ClaqError request/invalid for a matrix that the model does not have and a window outside of the matrix, run/cancelled for
 *   who does not wait any more, and what reading throws
 */
export async function readWindow(
  source: BandSource,
  place: MatrixAt,
  { rows, columns }: MatrixWindow,
  visit: (row: number, values: Float32Array) => void,
  signal?: AbortSignal,
): Promise<void> {
  const shape = requireMatrix(source, place);
  requireInside(place, 'rows', rows, shape.rows);
  requireInside(place, 'columns', columns, shape.columns);
  const name = `${matrixName(place.block, place.kind)}.weight`;
  const dtype = source.tensors.get(name)?.dtype ?? 'F32';
  const width = bytesPerElement(dtype);
  const rowBytes = shape.columns * width;
  const band = Math.max(1, Math.floor(BAND_BYTES / rowBytes));
  const values = new Float32Array(columns[1] - columns[0]);
  for (let from = rows[0]; from < rows[1]; from += band) {
    throwIfCancelled(signal, 'request');
    const to = Math.min(from + band, rows[1]);
    // Nothing before the first wanted column and behind the last one.
    const begin = from * rowBytes + columns[0] * width;
    const bytes = await source.readBytes(name, begin, (to - 1) * rowBytes + columns[1] * width);
    for (let row = from; row < to; row++) {
      const at = (row - from) * rowBytes;
      decodeFloats(dtype, bytes.subarray(at, at + values.length * width), values);
      visit(row, values);
    }
  }
}

/** Throws ClaqError request/invalid. */
export function requireMatrix(
  { folder, model }: Pick<BandSource, 'folder' | 'model'>,
  place: MatrixAt,
): MatrixShape {
  if (place.block < model.blocks) return matrixShape(model, place.kind);
  throw new ClaqError('request/invalid', 'The model has no such layer', {
    where: folder,
    expected: `a layer from 0 to ${model.blocks - 1}`,
    found: `layer ${place.block}`,
    remedy: 'layers are counted from 0',
  });
}

function requireInside(
  { block, kind }: MatrixAt,
  what: 'rows' | 'columns',
  [from, to]: readonly [number, number],
  size: number,
): void {
  if (from < to && to <= size) return;
  throw new ClaqError('request/invalid', `The ${what} are not in the matrix`, {
    where: matrixName(block, kind),
    expected: `${what} from 0 to ${size}, the first before the last`,
    found: `${from} to ${to}`,
  });
}

import { createHash } from 'node:crypto';
import type { QuantizedMatrix } from '../../../main/engine/claq/quantized-matrix.ts';

/** One line for all bytes of a result: equal for equal matrices and, for all practical purposes, for no others. */
export function fingerprint(matrix: QuantizedMatrix): string {
  const { rows, columns, widths, levels, codes, reservedStart, reservedRows, reservedValues, loss } = matrix;
  const arrays =
    levels.kind === 'codebook'
      ? [
          levels.start,
          levels.centroids,
          levels.rowScales ?? new Float32Array(0),
          Uint8Array.of(Number(levels.byteCodebooks ?? false)),
        ]
      : [levels.scales, levels.zeros];
  const hash = createHash('sha256').update(`${rows} x ${columns} ${levels.kind} ${loss};`);
  for (const array of [widths, ...arrays, codes, reservedStart, reservedRows, reservedValues]) {
    hash.update(`${array.length};`).update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  }
  return hash.digest('hex');
}

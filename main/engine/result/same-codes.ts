/** Two quantized matrices compared as they are, without decoding them. */
import type { Levels, QuantizedMatrix } from '../claq/quantized-matrix.ts';

type Numbers = Uint8Array | Int32Array | Float32Array;

/** Whether codes, levels and reserved entries are the same, bit by bit: then the weights are. What is known of the loss is left aside. */
export function haveSameCodes(a: QuantizedMatrix, b: QuantizedMatrix): boolean {
  return (
    a.rows === b.rows &&
    a.columns === b.columns &&
    sameLevels(a.levels, b.levels) &&
    sameBits(a.widths, b.widths) &&
    sameBits(a.codes, b.codes) &&
    sameBits(a.reservedStart, b.reservedStart) &&
    sameBits(a.reservedRows, b.reservedRows) &&
    sameBits(a.reservedValues, b.reservedValues)
  );
}

/** Whether all that weights are looked up in, or computed of, is finite: then the weights are. */
export function areFinite({ levels, reservedValues }: QuantizedMatrix): boolean {
  const isFinite = (values: Float32Array): boolean => values.every(Number.isFinite);
  if (!isFinite(reservedValues)) return false;
  if (levels.kind === 'grid') return isFinite(levels.scales);
  return isFinite(levels.centroids) && (levels.rowScales === undefined || isFinite(levels.rowScales));
}

function sameLevels(a: Levels, b: Levels): boolean {
  if (a.kind === 'grid') {
    return (
      b.kind === 'grid' &&
      a.groupSize === b.groupSize &&
      sameBits(a.scales, b.scales) &&
      sameBits(a.zeros, b.zeros)
    );
  }
  if (b.kind === 'grid') return false;
  const [scales, others] = [a.rowScales, b.rowScales];
  const sameScales =
    scales === undefined || others === undefined ? scales === others : sameBits(scales, others);
  return sameScales && sameBits(a.start, b.start) && sameBits(a.centroids, b.centroids);
}

function sameBits(a: Numbers, b: Numbers): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: Numbers): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Ascending positions in close to the fewest bits that random access allows (Elias 1974): the low bits of each as they are,
 * then the high parts as unary differences. The length depends on the range and the count alone (shared/bits.ts), so the
 * size of a matrix is known before it is quantized.
 */
import { positionBits, positionLowBits } from '../../../shared/bits.ts';
import type { BitReader, BitWriter } from './bit-stream.ts';

/** @param positions ascending, distinct, below `rows` */
export function writePositions(writer: BitWriter, positions: Int32Array, rows: number): void {
  if (positions.length === 0) return;
  const end = writer.bits + positionBits(rows, positions.length);
  const lowBits = positionLowBits(rows, positions.length);
  for (const position of positions) writer.write(position & (2 ** lowBits - 1), lowBits);
  let high = 0;
  for (const position of positions) {
    const next = position >>> lowBits;
    writer.writeUnary(next - high);
    high = next;
  }
  writer.skipTo(end);
}

/** @throws RangeError where the bits are not `count` ascending positions below `rows` */
export function readPositions(reader: BitReader, count: number, rows: number): Int32Array {
  const positions = new Int32Array(count);
  if (count === 0) return positions;
  const end = reader.bit + positionBits(rows, count);
  const lowBits = positionLowBits(rows, count);
  for (let i = 0; i < count; i++) positions[i] = reader.read(lowBits);
  let high = 0;
  let previous = -1;
  for (let i = 0; i < count; i++) {
    high += reader.readUnary();
    const position = high * 2 ** lowBits + (positions[i] ?? 0);
    if (position <= previous || position >= rows || reader.bit > end) {
      throw new RangeError(`position ${position} after ${previous} of ${rows} rows`);
    }
    positions[i] = position;
    previous = position;
  }
  reader.skipTo(end);
  return positions;
}

/** What codes for ascending positions take, of the columns of real models. */
import { positionBits } from '../shared/bits.ts';

/** Bits for the ascending rows of a column of `rows` entries. */
type PositionCode = (positions: Int32Array, rows: number) => number;

/** Distance of each row from the one before it, the first from -1: 1 at least. */
function* gaps(positions: Int32Array): Generator<number> {
  let before = -1;
  for (const position of positions) {
    yield position - before;
    before = position;
  }
}

/** Rice code of the gaps (Golomb 1966, Rice 1979) with the parameter that suits `count` rows spread evenly. */
const rice: PositionCode = (positions, rows) => {
  const parameter = Math.max(0, Math.floor(Math.log2(Math.LN2 * (rows / positions.length))));
  let bits = 0;
  for (const gap of gaps(positions)) bits += Math.floor((gap - 1) / 2 ** parameter) + 1 + parameter;
  return bits;
};

/** Gaps in groups of seven bits, a byte each. */
const varint: PositionCode = (positions) => {
  let bits = 0;
  for (const gap of gaps(positions)) bits += gap <= 128 ? 8 : gap <= 2 ** 14 ? 16 : 24;
  return bits;
};

/** log2 of the number of ways to choose the rows: no code of one length for all can be shorter. */
const fewest: PositionCode = ({ length }, rows) => {
  let bits = 0;
  for (let i = 0; i < length; i++) bits += Math.log2((rows - i) / (i + 1));
  return bits;
};

export const POSITION_CODES: readonly (readonly [string, PositionCode])[] = [
  ['fewest bits that tell which', fewest],
  ['Rice, gaps', rice],
  ['Elias-Fano', ({ length }, rows) => positionBits(rows, length)],
  ['varint, gaps', varint],
  ['16 bits a position', ({ length }) => 16 * length],
  ['a bit for every row', (_, rows) => rows],
];

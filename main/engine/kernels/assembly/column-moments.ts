/** Sums over columns, from the bytes that a matrix is stored as. */
import { pointer, word } from './layout';
import { DTYPE, columnsOf, firstColumn, rowBytesOf, rowsOf, stripeAt } from './stored-stripe';
import { TILE_COLUMNS, TILE_ROWS, TILE_ROW_BYTES, TILE_VECTOR, takeTile } from './stored-tile';
import { shiftOf } from './stored-values';

// Arguments of columnMoments, as words, behind those of stored-stripe.ts. The arrays have room for whole vectors of columns.
// The same list stands in ../column-statistics.ts.
const MAGNITUDES = 5; // f64 [columns]: sum of |w|
const SUMS = 6; // f64 [columns]
const SQUARES = 7; // f64 [columns]
const MAXIMA = 8; // f32 [columns]: largest |w|

/**
 * The columns of a stripe. Each column's sums run in float64 from the first row to the last, and nothing else is in them: they
 * are the same to the last bit whatever the stripes. Scratch: a tile.
 */
export function columnMoments(args: usize, stripe: i32, tile: usize): void {
  const dtype = word(args, DTYPE);
  const shift = shiftOf(dtype);
  const rows = rowsOf(args);
  const first = firstColumn(args, stripe);
  const columns = columnsOf(args, stripe);
  const rowBytes = rowBytesOf(args, shift);
  clear(args, first, (columns + TILE_VECTOR - 1) & ~(TILE_VECTOR - 1));
  let start = stripeAt(args, stripe, shift);
  for (let row = 0; row < rows; row += TILE_ROWS) {
    const height = min(TILE_ROWS, rows - row);
    for (let column = 0; column < columns; column += TILE_COLUMNS) {
      const width = min(TILE_COLUMNS, columns - column);
      takeTile(dtype, start + (<usize>column << shift), rowBytes, height, width, tile);
      for (let i = 0; i < width; i += TILE_VECTOR) addVector(args, first + column + i, tile + (<usize>i << 2), height);
    }
    start += <usize>TILE_ROWS * rowBytes;
  }
}

function clear(args: usize, first: i32, columns: i32): void {
  const at = <usize>first << 3;
  memory.fill(pointer(args, MAGNITUDES) + at, 0, <usize>columns << 3);
  memory.fill(pointer(args, SUMS) + at, 0, <usize>columns << 3);
  memory.fill(pointer(args, SQUARES) + at, 0, <usize>columns << 3);
  memory.fill(pointer(args, MAXIMA) + (at >> 1), 0, <usize>columns << 2);
}

/** The square of a float32 is exact in float64, so that both ways round the same. */
// @ts-ignore: decorator
@inline
function addSquare(sum: v128, value: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(value, value, sum);
  return f64x2.add(sum, f64x2.mul(value, value));
}

/** A vector of columns, `count` rows of a tile. NaN shows in the sums, if not in the maximum. */
function addVector(args: usize, column: i32, from: usize, count: i32): void {
  const magnitudes = pointer(args, MAGNITUDES) + (<usize>column << 3);
  const sums = pointer(args, SUMS) + (<usize>column << 3);
  const squares = pointer(args, SQUARES) + (<usize>column << 3);
  const maxima = pointer(args, MAXIMA) + (<usize>column << 2);
  let magnitude0 = v128.load(magnitudes);
  let magnitude1 = v128.load(magnitudes, 16);
  let sum0 = v128.load(sums);
  let sum1 = v128.load(sums, 16);
  let square0 = v128.load(squares);
  let square1 = v128.load(squares, 16);
  let largest = v128.load(maxima);
  for (let i = 0; i < count; i++) {
    const values = v128.load(from);
    // From memory again: the processor then widens without a shuffle.
    const low = f64x2.promote_low_f32x4(v128.load64_zero(from));
    const high = f64x2.promote_low_f32x4(v128.load64_zero(from, 8));
    sum0 = f64x2.add(sum0, low);
    sum1 = f64x2.add(sum1, high);
    magnitude0 = f64x2.add(magnitude0, f64x2.abs(low));
    magnitude1 = f64x2.add(magnitude1, f64x2.abs(high));
    square0 = addSquare(square0, low);
    square1 = addSquare(square1, high);
    largest = f32x4.pmax(largest, f32x4.abs(values));
    from += TILE_ROW_BYTES;
  }
  v128.store(magnitudes, magnitude0);
  v128.store(magnitudes, magnitude1, 16);
  v128.store(sums, sum0);
  v128.store(sums, sum1, 16);
  v128.store(squares, square0);
  v128.store(squares, square1, 16);
  v128.store(maxima, largest);
}

/** A stretch of blocks of columns between the blocked layout and plain rows, which is how other programs multiply. */
import { BLOCK, BLOCK_STRIP_BYTES, STRIP, STRIP_BYTES, pointer, word } from './layout';

// Arguments of both: 0 first block of the stretch in the blocked layout, 1 rows [padded rows][blocks x BLOCK], 2 strips of a
// block, 3 blocks of the stretch. One strip at a time, in squares of four columns and four rows.

/** Copies a strip of all blocks out into rows. */
export function stretchToRows(args: usize, strip: i32): void {
  const blocks = word(args, 3);
  const rowBytes = (<usize>(blocks * BLOCK)) << 2;
  for (let block = 0; block < blocks; block++) {
    for (let j = 0; j < BLOCK; j += 4) {
      for (let lane = 0; lane < STRIP; lane += 4) {
        const cell = cellOf(args, block, strip, j) + (<usize>lane << 2);
        transpose(cell, STRIP_BYTES, placeInRow(args, blocks, strip, lane, block, j), rowBytes);
      }
    }
  }
}

/** Copies eight rows into a strip of all blocks. */
export function rowsToStretch(args: usize, strip: i32): void {
  const blocks = word(args, 3);
  const rowBytes = (<usize>(blocks * BLOCK)) << 2;
  for (let block = 0; block < blocks; block++) {
    for (let j = 0; j < BLOCK; j += 4) {
      for (let lane = 0; lane < STRIP; lane += 4) {
        const cell = cellOf(args, block, strip, j) + (<usize>lane << 2);
        transpose(placeInRow(args, blocks, strip, lane, block, j), rowBytes, cell, STRIP_BYTES);
      }
    }
  }
}

/** Four vectors of four floats, `fromStride` bytes apart, to their transpose. */
// @ts-ignore: decorator
@inline
function transpose(from: usize, fromStride: usize, to: usize, toStride: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromStride);
  const c = v128.load(from + 2 * fromStride);
  const d = v128.load(from + 3 * fromStride);
  const abLow = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const abHigh = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const cdLow = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const cdHigh = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(to, i64x2.shuffle(abLow, cdLow, 0, 2));
  v128.store(to + toStride, i64x2.shuffle(abLow, cdLow, 1, 3));
  v128.store(to + 2 * toStride, i64x2.shuffle(abHigh, cdHigh, 0, 2));
  v128.store(to + 3 * toStride, i64x2.shuffle(abHigh, cdHigh, 1, 3));
}

/** Eight rows of a column. */
// @ts-ignore: decorator
@inline
function cellOf(args: usize, block: i32, strip: i32, j: i32): usize {
  const strips = <usize>word(args, 2);
  return pointer(args, 0) + (<usize>block * strips + <usize>strip) * BLOCK_STRIP_BYTES + <usize>j * STRIP_BYTES;
}

// @ts-ignore: decorator
@inline
function placeInRow(args: usize, blocks: i32, strip: i32, lane: i32, block: i32, j: i32): usize {
  const row = <usize>(strip * STRIP + lane) * <usize>(blocks * BLOCK);
  return pointer(args, 1) + ((row + <usize>(block * BLOCK + j)) << 2);
}

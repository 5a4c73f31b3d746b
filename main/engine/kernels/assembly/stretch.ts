/** A stretch of blocks of columns between the blocked layout and plain rows, which is how other programs multiply. */
import { BLOCK, BLOCK_STRIP_BYTES, STRIP, STRIP_BYTES, pointer, word } from './layout';

// Arguments of both: 0 first block of the stretch in the blocked layout, 1 rows [padded rows][blocks x BLOCK], 2 strips of a
// block, 3 blocks of the stretch. One strip at a time.

/** Copies a strip of all blocks out into rows. */
export function stretchToRows(args: usize, strip: i32): void {
  const blocks = word(args, 3);
  for (let block = 0; block < blocks; block++) {
    for (let j = 0; j < BLOCK; j++) {
      const cell = cellOf(args, block, strip, j);
      for (let lane = 0; lane < STRIP; lane++) {
        store<f32>(placeInRow(args, blocks, strip, lane, block, j), load<f32>(cell + (<usize>lane << 2)));
      }
    }
  }
}

/** Copies eight rows into a strip of all blocks. */
export function rowsToStretch(args: usize, strip: i32): void {
  const blocks = word(args, 3);
  for (let block = 0; block < blocks; block++) {
    for (let j = 0; j < BLOCK; j++) {
      const cell = cellOf(args, block, strip, j);
      for (let lane = 0; lane < STRIP; lane++) {
        store<f32>(cell + (<usize>lane << 2), load<f32>(placeInRow(args, blocks, strip, lane, block, j)));
      }
    }
  }
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

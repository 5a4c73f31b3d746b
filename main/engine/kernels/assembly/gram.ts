/** H += X^T X in the blocked layout, lower block triangle only: strips at or below a block's own rows. */
import {
  BLOCK, BLOCK_STRIP_BYTES, PANELS_PER_BLOCK, PANEL, PANEL_BYTES, STRIP, STRIP_BYTES, pointer, word,
} from './layout';
import { microKernel } from './micro-kernel';

/** Tokens that one pass keeps in the first-level cache. */
const DEPTH: i32 = 256;

/**
 * One block column of the Gram matrix.
 * Arguments: 0 X in strips [columns / 8][tokens][8], 1 X in panels [columns / 6][tokens][6], 2 H, 3 padded columns
 * (a multiple of BLOCK), 4 tokens.
 */
export function gramBlock(args: usize, block: i32): void {
  const strips = pointer(args, 0);
  const panels = pointer(args, 1);
  const columns = word(args, 3);
  const tokens = word(args, 4);
  const stripCount = columns / STRIP;
  const h = pointer(args, 2) + <usize>block * <usize>stripCount * BLOCK_STRIP_BYTES;
  const firstPanel = block * PANELS_PER_BLOCK;
  for (let start = 0; start < tokens; start += DEPTH) {
    const length = min(DEPTH, tokens - start);
    for (let strip = block * (BLOCK / STRIP); strip < stripCount; strip++) {
      const b = strips + (<usize>strip * <usize>tokens + <usize>start) * STRIP_BYTES;
      const c = h + <usize>strip * BLOCK_STRIP_BYTES;
      for (let panel = 0; panel < PANELS_PER_BLOCK; panel++) {
        const a = panels + (<usize>(firstPanel + panel) * <usize>tokens + <usize>start) * PANEL_BYTES;
        microKernel(a, b, c + <usize>(panel * PANEL) * STRIP_BYTES, STRIP_BYTES, length);
      }
    }
  }
}

/** Byte offset of H[row][column], row >= column of the same block triangle. */
// @ts-ignore: decorator
@inline
export function blockedOffset(row: i32, column: i32, strips: i32): usize {
  const block = column / BLOCK;
  return (
    (<usize>block * <usize>strips + <usize>(row / STRIP)) * BLOCK_STRIP_BYTES +
    <usize>(column % BLOCK) * STRIP_BYTES +
    (<usize>(row % STRIP) << 2)
  );
}

/** H[row][column] of the symmetric matrix whose lower block triangle is stored. */
// @ts-ignore: decorator
@inline
export function symmetricAt(h: usize, row: i32, column: i32, strips: i32): f32 {
  return row >= column
    ? load<f32>(h + blockedOffset(row, column, strips))
    : load<f32>(h + blockedOffset(column, row, strips));
}

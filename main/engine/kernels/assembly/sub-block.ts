/**
 * The columns of a sub-block while they are quantized one by one, each contiguous: in the blocked layout a column is a
 * vector in every strip, so that each pass over it would touch a page every other strip.
 */
import { columnOf, originalOf } from './codebook-scratch';
import { BLOCK_PANEL_BYTES, BLOCK_STRIP_BYTES, PANEL, PANEL_BYTES, STRIP_BYTES } from './layout';
import { multiplyAdd } from './micro-kernel';

/**
 * Takes columns out of a block: their originals, and their current values, original + correction.
 * @param original first strip of the block; `correction` likewise, 0 where there is none
 */
export function takeColumns(
  original: usize, correction: usize, strips: i32, first: i32, count: i32, scratch: usize, rows: i32,
): void {
  for (let strip = 0; strip < strips; strip++) {
    const at = <usize>strip * BLOCK_STRIP_BYTES + <usize>first * STRIP_BYTES;
    const to = <usize>strip * STRIP_BYTES;
    for (let j = 0; j < count; j++) {
      const cell = at + <usize>j * STRIP_BYTES;
      let low = v128.load(original + cell);
      let high = v128.load(original + cell, 16);
      const kept = originalOf(scratch, rows, j) + to;
      v128.store(kept, low);
      v128.store(kept, high, 16);
      if (correction != 0) {
        low = f32x4.add(low, v128.load(correction + cell));
        high = f32x4.add(high, v128.load(correction + cell, 16));
      }
      const current = columnOf(scratch, rows, j) + to;
      v128.store(current, low);
      v128.store(current, high, 16);
    }
  }
}

/**
 * Adds the error of column `done` of the sub-block to the columns behind it; it stands where the original stood.
 * @param panels coefficients of the block with itself, [panel][row][column of the panel]
 */
export function carryError(panels: usize, first: i32, done: i32, count: i32, strips: i32, scratch: usize, rows: i32): void {
  const error = originalOf(scratch, rows, done);
  const end = <usize>strips * STRIP_BYTES;
  const row = panels + <usize>(first + done) * PANEL_BYTES;
  for (let j = done + 1; j < count; j++) {
    const column = first + j;
    const u = v128.load32_splat(row + <usize>(column / PANEL) * BLOCK_PANEL_BYTES + (<usize>(column % PANEL) << 2));
    const values = columnOf(scratch, rows, j);
    for (let at: usize = 0; at < end; at += STRIP_BYTES) {
      v128.store(values + at, multiplyAdd(u, v128.load(error + at), v128.load(values + at)));
      v128.store(values + at, multiplyAdd(u, v128.load(error + at, 16), v128.load(values + at, 16)), 16);
    }
  }
}

/** Puts the errors of the columns into the block, where the updates behind them read them. */
export function putErrors(error: usize, strips: i32, first: i32, count: i32, scratch: usize, rows: i32): void {
  for (let strip = 0; strip < strips; strip++) {
    const to = error + <usize>strip * BLOCK_STRIP_BYTES + <usize>first * STRIP_BYTES;
    const at = <usize>strip * STRIP_BYTES;
    for (let j = 0; j < count; j++) {
      const from = originalOf(scratch, rows, j) + at;
      v128.store(to + <usize>j * STRIP_BYTES, v128.load(from));
      v128.store(to + <usize>j * STRIP_BYTES, v128.load(from, 16), 16);
    }
  }
}

/**
 * The blocked layout that every kernel shares. Columns are cut into blocks of BLOCK; within a block, rows are cut into
 * strips of STRIP. An element (row, column) stands at
 *
 *     [column / BLOCK][row / STRIP][column % BLOCK][row % STRIP]
 *
 * so that a strip of a block is one contiguous run of BLOCK x STRIP floats: what the micro-kernel reads and writes.
 * The same numbers stand in ../layout.ts for the callers.
 */

/** Columns of a block: 16 panels of 6 and 8 sub-blocks of 12. */
export const BLOCK: i32 = 96;
/** Columns that are compensated one by one before the rest of the block is. */
export const SUB_BLOCK: i32 = 12;
/** Rows of a strip: two vectors of four lanes. */
export const STRIP: i32 = 8;
/** Columns of a panel of the micro-kernel's left operand. */
export const PANEL: i32 = 6;

export const STRIP_BYTES: usize = STRIP * 4;
export const PANEL_BYTES: usize = PANEL * 4;
/** One strip of one block: [BLOCK][STRIP] floats. */
export const BLOCK_STRIP_BYTES: usize = BLOCK * STRIP_BYTES;
/** One panel over a whole block: [BLOCK][PANEL] floats. */
export const BLOCK_PANEL_BYTES: usize = BLOCK * PANEL_BYTES;
/** All panels of a block of coefficients: [BLOCK / PANEL][BLOCK][PANEL] floats. */
export const BLOCK_PANELS_BYTES: usize = BLOCK * BLOCK * 4;
export const PANELS_PER_BLOCK: i32 = BLOCK / PANEL;

/** The i-th 32-bit word of a job's arguments: pointers, sizes and flags. */
// @ts-ignore: decorator
@inline
export function word(args: usize, i: i32): i32 {
  return load<i32>(args + (<usize>i << 2));
}

// @ts-ignore: decorator
@inline
export function pointer(args: usize, i: i32): usize {
  return <usize>load<u32>(args + (<usize>i << 2));
}

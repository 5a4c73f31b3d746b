import { BLOCK } from '../kernels/layout.ts';

/** Blocks of columns that the kernels finish between two of TensorFlow's products, where these pay. */
const STRETCH_BLOCKS = 4;

/**
 * Multiplications behind the first stretch from which on products make up for carrying errors and corrections there and back:
 * some 2048 x 2048 (npm run bench:loop -- --size 2048). A constant, not a measurement at each start: it decides the bytes.
 */
const SMALLEST_UPDATES = 2 ** 32;

/** Blocks of a stretch for matrices with so many rows together: few where products pay, else all of them. */
export function stretchBlocks(rows: number, columns: number): number {
  const behind = Math.max(0, columns - STRETCH_BLOCKS * BLOCK);
  return (rows * columns * behind) / 2 >= SMALLEST_UPDATES ? STRETCH_BLOCKS : Math.ceil(columns / BLOCK);
}

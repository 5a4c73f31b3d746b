import type { KernelPool } from './kernel-pool.ts';
import { PANEL, STRIP, roundUp } from './layout.ts';

/** A row-major matrix, or the transpose of one: element (i, j) at i * rowStride + j * columnStride. */
export interface ProductOperand {
  readonly values: Float32Array;
  readonly rowStride: number;
  readonly columnStride: number;
}

const PANELS_PER_TILE = 16;
const STRIPS_PER_TILE = 32;

/**
 * a [m, k] times b [k, n] on the kernel threads; blocks the calling thread until it is done.
 * @param take receives the result, row-major with `stride` floats between rows; the view is only valid during the call
 */
export function multiply(
  pool: KernelPool,
  a: ProductOperand,
  b: ProductOperand,
  [m, k, n]: readonly [m: number, k: number, n: number],
  take: (result: Float32Array, stride: number) => void,
): void {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const panelCount = Math.ceil(m / PANEL);
    const stripCount = Math.ceil(n / STRIP);
    const stride = roundUp(n, STRIP);
    const panels = pack(pool, a.values, [m, k, a.rowStride, a.columnStride], PANEL);
    const strips = pack(pool, b.values, [n, k, b.columnStride, b.rowStride], STRIP);
    const result = arena.allocate(panelCount * PANEL * stride * 4);
    const across = Math.ceil(stripCount / STRIPS_PER_TILE);
    const sizes = [panelCount, stripCount, k, stride, PANELS_PER_TILE, STRIPS_PER_TILE, across];
    const tiles = Math.ceil(panelCount / PANELS_PER_TILE) * across;
    pool.runTiles('productTile', arena.words([panels, strips, result, ...sizes]), tiles);
    take(arena.floats(result, m * stride), stride);
  } finally {
    arena.release(mark);
  }
}

function pack(
  pool: KernelPool,
  values: Float32Array,
  [lines, depth, lineStride, depthStride]: readonly [number, number, number, number],
  width: number,
): number {
  const { arena } = pool;
  const groups = Math.ceil(lines / width);
  const packed = arena.allocate(groups * width * depth * 4);
  const mark = arena.mark();
  const source = arena.copyFloats(values);
  pool.runTiles(
    'packLines',
    arena.words([source, packed, lines, depth, lineStride, depthStride, width]),
    groups,
  );
  arena.release(mark);
  return packed;
}

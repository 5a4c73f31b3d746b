/** Matrix products of plain row-major operands: packing into panels and strips, then tiles of the micro-kernel. */
import { PANEL, PANEL_BYTES, STRIP, STRIP_BYTES, pointer, word } from './layout';
import { microKernel } from './micro-kernel';

/** Length of the inner dimension that one pass keeps in the first-level cache. */
const DEPTH: i32 = 256;

/**
 * Packs lines of a matrix for the micro-kernel: `width` lines side by side, [group][depth][width], zeros beyond the last.
 * A line is a row of the left operand or a column of the right one.
 * Arguments: 0 source, 1 packed, 2 lines, 3 depth, 4 floats between lines, 5 floats between steps of depth, 6 width.
 */
export function packLines(args: usize, group: i32): void {
  const source = pointer(args, 0);
  const packed = pointer(args, 1);
  const lines = word(args, 2);
  const depth = word(args, 3);
  const lineStride = pointer(args, 4) << 2;
  const depthStride = pointer(args, 5) << 2;
  const width = word(args, 6);
  const widthBytes = (<usize>width) << 2;
  const groupStart = packed + <usize>group * <usize>depth * widthBytes;
  if (lineStride == 4) {
    packContiguousLines(source, groupStart, group * width, lines, depth, depthStride, width);
    return;
  }
  for (let w = 0; w < width; w++) {
    const line = group * width + w;
    let to = groupStart + ((<usize>w) << 2);
    if (line >= lines) {
      for (let d = 0; d < depth; d++) {
        store<f32>(to, 0);
        to += widthBytes;
      }
      continue;
    }
    let from = source + <usize>line * lineStride;
    for (let d = 0; d < depth; d++) {
      store<f32>(to, load<f32>(from));
      from += depthStride;
      to += widthBytes;
    }
  }
}

/** Lines that lie side by side in memory: a step of depth is one short run. */
function packContiguousLines(
  source: usize,
  to: usize,
  first: i32,
  lines: i32,
  depth: i32,
  depthStride: usize,
  width: i32,
): void {
  const present = max(min(width, lines - first), 0);
  let from = source + ((<usize>first) << 2);
  for (let d = 0; d < depth; d++) {
    for (let w = 0; w < present; w++) {
      store<f32>(to + ((<usize>w) << 2), load<f32>(from + ((<usize>w) << 2)));
    }
    for (let w = present; w < width; w++) {
      store<f32>(to + ((<usize>w) << 2), 0);
    }
    from += depthStride;
    to += (<usize>width) << 2;
  }
}

/**
 * One tile of a product of packed operands into a row-major result.
 * Arguments: 0 panels, 1 strips, 2 result, 3 panel count, 4 strip count, 5 depth, 6 floats between rows of the result,
 * 7 panels a tile, 8 strips a tile, 9 tiles across the strips.
 */
export function productTile(args: usize, tile: i32): void {
  const panels = pointer(args, 0);
  const strips = pointer(args, 1);
  const result = pointer(args, 2);
  const depth = word(args, 5);
  const rowBytes = pointer(args, 6) << 2;
  const panelsPerTile = word(args, 7);
  const stripsPerTile = word(args, 8);
  const tilesAcross = word(args, 9);
  const firstPanel = (tile / tilesAcross) * panelsPerTile;
  const lastPanel = min(firstPanel + panelsPerTile, word(args, 3));
  const firstStrip = (tile % tilesAcross) * stripsPerTile;
  const lastStrip = min(firstStrip + stripsPerTile, word(args, 4));
  const panelBytes = <usize>depth * PANEL_BYTES;
  const stripBytes = <usize>depth * STRIP_BYTES;
  for (let row = firstPanel * PANEL; row < lastPanel * PANEL; row++) {
    memory.fill(
      result + <usize>row * rowBytes + <usize>firstStrip * STRIP_BYTES,
      0,
      <usize>(lastStrip - firstStrip) * STRIP_BYTES,
    );
  }
  for (let start = 0; start < depth; start += DEPTH) {
    const length = min(DEPTH, depth - start);
    for (let strip = firstStrip; strip < lastStrip; strip++) {
      const b = strips + <usize>strip * stripBytes + <usize>start * STRIP_BYTES;
      for (let panel = firstPanel; panel < lastPanel; panel++) {
        microKernel(
          panels + <usize>panel * panelBytes + <usize>start * PANEL_BYTES,
          b,
          result + <usize>(panel * PANEL) * rowBytes + <usize>strip * STRIP_BYTES,
          rowBytes,
          length,
        );
      }
    }
  }
}

/**
 * The micro-kernel alone, over and over on cached operands: the bench's measure of this machine's floor.
 * Arguments: 0 operands, one set an index (a panel, a strip, and their product), 1 repeats, 2 depth, 3 bytes
 * from set to set: threads that share a cache line would measure the line.
 */
export function microKernelRate(args: usize, index: i32): void {
  const repeats = word(args, 1);
  const depth = word(args, 2);
  const a = pointer(args, 0) + <usize>index * pointer(args, 3);
  const b = a + <usize>depth * PANEL_BYTES;
  const c = b + <usize>depth * STRIP_BYTES;
  for (let i = 0; i < repeats; i++) microKernel(a, b, c, STRIP_BYTES, depth);
}

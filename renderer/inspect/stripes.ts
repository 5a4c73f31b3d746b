/** The paper's Figure 4: which columns of a matrix are among the first in Outlier Order. */

/** For each place the number of chosen columns before it: [0] is 0, the last one is their count. */
export function chosenBefore(order: Int32Array | Uint16Array, chosen: number): Uint32Array {
  const before = new Uint32Array(order.length + 1);
  for (const column of order.subarray(0, chosen)) before[column + 1] = 1;
  for (let at = 1; at < before.length; at++) before[at] = (before[at] ?? 0) + (before[at - 1] ?? 0);
  return before;
}

/**
 * Share of each pixel that chosen columns cover.
 * @param from first column in sight, as a fraction where it is cut
 * @param width columns in sight
 */
export function stripeShades(before: Uint32Array, from: number, width: number, pixels: number): Float32Array {
  const shades = new Float32Array(pixels);
  const each = width / pixels;
  let covered = coveredUpTo(before, from);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const next = coveredUpTo(before, from + (pixel + 1) * each);
    shades[pixel] = (next - covered) / each;
    covered = next;
  }
  return shades;
}

/** Chosen columns before a place that may lie within a column. */
function coveredUpTo(before: Uint32Array, place: number): number {
  const column = Math.min(before.length - 1, Math.max(0, Math.floor(place)));
  const start = before[column] ?? 0;
  return start + (place - column) * ((before[column + 1] ?? start) - start);
}

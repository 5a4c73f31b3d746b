/**
 * The order of the rows of q and k. Hugging Face rotates value i of a head with value i + headDim / 2; llama.cpp, under the
 * architecture llama, value 2i with value 2i + 1. Its converter therefore stores a head's rows as (0, half, 1, half + 1, ...).
 */

/** Where llama.cpp has the row that is the `row`th in Hugging Face's order. */
export function pairedRow(row: number, headDim: number): number {
  const half = headDim / 2;
  const within = row % headDim;
  const second = within >= half ? 1 : 0;
  return row - within + 2 * (within - second * half) + second;
}

/**
 * Rows [from, to) in Hugging Face's order.
 * @param paired whole heads as llama.cpp has them, the first row of the first being row `first`
 */
export function unpairedRows(
  paired: Uint8Array,
  { first, from, to }: { readonly first: number; readonly from: number; readonly to: number },
  { headDim, rowBytes }: { readonly headDim: number; readonly rowBytes: number },
): Uint8Array<ArrayBuffer> {
  const rows = new Uint8Array((to - from) * rowBytes);
  for (let row = from; row < to; row++) {
    const at = (pairedRow(row, headDim) - first) * rowBytes;
    rows.set(paired.subarray(at, at + rowBytes), (row - from) * rowBytes);
  }
  return rows;
}

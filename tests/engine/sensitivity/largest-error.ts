/** The largest |found / expected - 1|; NaN where a value is missing or not a number. */
export function largestError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = found.length === expected.length ? 0 : Number.NaN;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs((found[i] ?? Number.NaN) / (expected[i] ?? Number.NaN) - 1));
  }
  return most;
}

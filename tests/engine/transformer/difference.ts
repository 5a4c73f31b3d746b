/** The largest magnitude among the values. */
export function largest(values: ArrayLike<number>): number {
  return largestDifference(values, new Float64Array(values.length));
}

/** The largest |found - expected|; NaN where a value is missing or not a number. */
export function largestDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  let most = found.length === expected.length ? 0 : NaN;
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs((found[i] ?? NaN) - (expected[i] ?? NaN)));
  }
  return most;
}

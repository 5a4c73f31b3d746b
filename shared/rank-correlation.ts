/**
 * Spearman's rank correlation: 1 where both put everything in the same order, -1 in the opposite one (Spearman 1904). Ties
 * share the mean of their ranks. NaN where one of them ties throughout, or there are fewer than two.
 */
export function rankCorrelation(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) {
    throw new RangeError(`${first.length} values cannot be ranked beside ${second.length}`);
  }
  const [a, b] = [ranks(first), ranks(second)];
  const mean = (first.length + 1) / 2;
  let [together, ofA, ofB] = [0, 0, 0];
  for (const [index, rank] of a.entries()) {
    const other = (b[index] ?? 0) - mean;
    together += (rank - mean) * other;
    ofA += (rank - mean) ** 2;
    ofB += other ** 2;
  }
  return together / Math.sqrt(ofA * ofB);
}

/** From 1, the smallest value first. */
function ranks(values: readonly number[]): Float64Array {
  const order = values.map((_, index) => index).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const found = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    const value = values[order[from] ?? 0];
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === value) to++;
    // Ranks from + 1 to `to`.
    for (const index of order.slice(from, to)) found[index] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
}

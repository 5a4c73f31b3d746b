/** Places of ticks on a linear axis: round numbers from `low` to `high`, `most` of them at most. */
export function roundTicks(low: number, high: number, most: number): number[] {
  const least = (high - low) / Math.max(1, most - 1);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = Math.max(1, [1, 2, 5, 10].map((each) => each * power).find((each) => each >= least) ?? 1);
  const ticks: number[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) ticks.push(at);
  return ticks;
}

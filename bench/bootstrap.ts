import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

const RESAMPLES = 10_000;
const SEED = 1;

/**
 * 95 % of the means of resamples of the values lie in this interval (Efron's percentile bootstrap). Few values give a narrow
 * interval too easily: of four windows it is a hint, no more.
 */
export function bootstrapInterval(values: readonly number[]): readonly [low: number, high: number] {
  const random = xoroshiro128plus(SEED);
  const means = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[uniformInt(random, 0, values.length - 1)] ?? 0;
    return sum / values.length;
  }).sort();
  return [means[Math.floor(0.025 * RESAMPLES)] ?? NaN, means[Math.ceil(0.975 * RESAMPLES) - 1] ?? NaN];
}

import { z } from 'zod';

/** A rate as it depends on a size, by ascending size. */
export const rateCurveSchema = z
  .array(z.strictObject({ size: z.number().positive(), rate: z.number().positive() }))
  .min(1)
  .readonly();
export type RateCurve = readonly { readonly size: number; readonly rate: number }[];

/** A rate that does not depend on the size. */
export function constantRate(rate: number): RateCurve {
  return [{ size: 1, rate }];
}

/** Between two sizes of the curve straight over the size's logarithm; beyond its ends the rate at the end. */
export function rateAt(curve: RateCurve, size: number): number {
  const above = curve.findIndex((point) => point.size >= size);
  const high = above < 0 ? curve.at(-1) : curve[above];
  const low = above < 0 ? undefined : curve[above - 1];
  if (high === undefined) throw new RangeError('a rate curve without points');
  if (low === undefined) return high.rate;
  const share = Math.log(size / low.size) / Math.log(high.size / low.size);
  return low.rate + share * (high.rate - low.rate);
}

/**
 * As rateAt, but beyond the last size as if a unit of work took a part that stays and one that falls as 1 / size, by the last
 * two points: a factorization moves columns^2 values for columns^3 operations, what a Hessian's bands compute beyond its
 * triangle grows with the columns alone, and a codebook costs something before it sees a weight. At most twice the last rate.
 */
export function extrapolatedRate(curve: RateCurve, size: number): number {
  const [before, last] = curve.slice(-2);
  if (before === undefined || last === undefined || size <= last.size) return rateAt(curve, size);
  const falling = (1 / before.rate - 1 / last.rate) / (1 / before.size - 1 / last.size);
  const seconds = 1 / last.rate + falling * (1 / size - 1 / last.size);
  return 1 / Math.min(Math.max(seconds, 0.5 / last.rate), 1 / last.rate);
}

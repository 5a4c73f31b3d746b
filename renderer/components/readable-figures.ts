/** Figures as every screen writes them; bytes, durations and shares stand in shared/readable-quantities.ts. */
import { threeFigures } from '../../shared/readable-quantities.ts';

export { readableCount, readablePerplexity } from '../../shared/readable-quantities.ts';
export { readableDay, readableTime } from '../../shared/readable-time.ts';

/** Stored or nominal bits a weight: `2.45`. */
export function readableBits(bits: number): string {
  return bits.toFixed(2);
}

/** `0.190 %`: shares under each other, with as many decimals each. */
export function alignedPercent(ratio: number): string {
  return `${(100 * ratio).toFixed(3)} %`;
}

/** `+3.4 %`: how much more than before, with its sign. */
export function readableChange(before: number, after: number): string {
  const percent = 100 * (after / before - 1);
  const sign = percent < 0 ? '\u2212' : '+';
  return `${sign}${threeFigures(Math.abs(percent))} %`;
}

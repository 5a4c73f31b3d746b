/** Figures as every screen writes them; bytes, durations and shares stand in shared/readable-quantities.ts. */
import { threeFigures } from '../../shared/readable-quantities.ts';

const COUNT_UNITS = ['', 'k', 'M', 'B', 'T'] as const;

/** Parameters and the like: `512`, `1.47 M`, `135 M`, `6.74 B`. */
export function readableCount(count: number): string {
  if (count < 1000) return String(count);
  let value = count;
  let unit = 0;
  // 999.5 of a unit would be shown as 1000.
  while (value >= 999.5 && unit < COUNT_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${threeFigures(value)} ${COUNT_UNITS[unit] ?? ''}`;
}

/** `19.62`: two decimals tell budgets apart; a perplexity of hundreds says only that the model is broken. */
export function readablePerplexity(perplexity: number): string {
  return perplexity < 100 ? perplexity.toFixed(2) : threeFigures(perplexity);
}

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

const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
const timeFormat = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** `2 Mar 2026, 10:05`, in this window's time zone. */
export function readableTime(iso: string): string {
  const date = new Date(iso);
  return `${dayFormat.format(date)}, ${timeFormat.format(date)}`;
}

/** `2 Mar 2026` */
export function readableDay(iso: string): string {
  return dayFormat.format(new Date(iso));
}

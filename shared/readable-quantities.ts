/** Quantities as people read them, the same in a terminal and in a window. */

const BYTE_UNITS = ['kB', 'MB', 'GB', 'TB'] as const;

/** `1.53 GB`: three figures, decimal units as disks and Hugging Face count them. */
export function readableBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  let value = bytes / 1000;
  let unit = 0;
  // 999.5 of a unit would be shown as 1000.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${threeFigures(value)} ${BYTE_UNITS[unit] ?? 'TB'}`;
}

/** `12.3`, `4.56`, `789`: three figures of a value below 1000; larger values whole. */
export function threeFigures(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 99.95) return String(Math.round(value));
  return value.toFixed(magnitude >= 9.995 ? 1 : 2);
}

/** `45 s`, `3 min 05 s`, `2 h 07 min`. */
export function readableDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor((whole % 3600) / 60))} min`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * An outlier ratio (0..1) as a percentage that keeps small values apart: `0`, `0.0021 %`, `0.347 %`, `12.3 %`.
 * Outlier ratios run over five orders of magnitude.
 */
export function readablePercent(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0) return '0 %';
  return `${Number(percent.toPrecision(percent < 0.1 ? 2 : 3))} %`;
}

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

/** What a number field makes of what was typed. */

export interface NumberLimits {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Whole numbers only. */
  readonly whole?: boolean | undefined;
}

export type ReadNumber =
  | { readonly kind: 'empty' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'wrong'; readonly why: string };

/** Takes `1,024`, `1 024`, `.5` and `5.`; a comma stands for thousands only, since a point is shown for decimals. */
export function readNumber(text: string, { min, max, whole }: NumberLimits): ReadNumber {
  const compact = text.replaceAll(/\s/g, '').replaceAll(/,(?=\d{3}(?:\D|$))/g, '');
  if (compact === '') return { kind: 'empty' };
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(compact))
    return { kind: 'wrong', why: 'not a number' };
  const value = Number(compact);
  if (whole === true && !Number.isInteger(value)) return { kind: 'wrong', why: 'a whole number, please' };
  const range = rangeText(min, max);
  if ((min !== undefined && value < min) || (max !== undefined && value > max) || !Number.isFinite(value)) {
    return { kind: 'wrong', why: range };
  }
  return { kind: 'number', value };
}

function rangeText(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? 'too large' : `at most ${max}`;
}

/** The next value for an arrow key: the multiple of `step` above or below, inside of the limits. */
export function steppedNumber(
  value: number | null,
  step: number,
  direction: 1 | -1,
  { min = -Infinity, max = Infinity }: NumberLimits,
): number {
  if (value === null) return Math.min(Math.max(0, min), max);
  const stepped = direction === 1 ? Math.floor(value / step + 1e-9) + 1 : Math.ceil(value / step - 1e-9) - 1;
  // A sum of decimal steps would show 0.30000000000000004.
  return Math.min(Math.max(Number((stepped * step).toPrecision(12)), min), max);
}

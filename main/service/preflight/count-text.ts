/** Counts and rates as a basis names them: `3.50 TFLOP`, `106 M weights`. */
import { threeFigures } from '../../../shared/readable-quantities.ts';

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;

/** `106 M`, `4.06 T`, `512` */
function scaled(count: number): [figures: string, prefix: string] {
  let value = count;
  let step = 0;
  // 999.5 of a step would be shown as 1000.
  while (value >= 999.5 && step < PREFIXES.length - 1) {
    value /= 1000;
    step++;
  }
  const exact = step === 0 && Number.isInteger(value);
  return [exact ? String(value) : threeFigures(value), PREFIXES[step] ?? ''];
}

/** `3.50 TFLOP` */
export function readableFlops(flops: number): string {
  const [figures, prefix] = scaled(flops);
  return `${figures} ${prefix}FLOP`;
}

/** `132 GFLOPS` */
export function readableFlopRate(flops: number, seconds: number): string {
  return `${readableFlops(flops / seconds)}S`;
}

/** `106 M weights` */
export function readableCount(count: number, things: string): string {
  const [figures, prefix] = scaled(count);
  return `${figures}${prefix === '' ? '' : ` ${prefix}`} ${things}`;
}

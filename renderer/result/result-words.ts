/** What a run came to, in words. */
import type { PerplexityFigure } from '../../shared/run-record.ts';
import { threeFigures } from '../../shared/readable-quantities.ts';

/** `+6.0 %`, `−0.3 %`: how much larger perplexity became; null where one of the two was not measured. */
export function perplexityChange(
  before: PerplexityFigure | null,
  after: PerplexityFigure | null,
): string | null {
  if (before === null || after === null) return null;
  const percent = 100 * (after.perplexity / before.perplexity - 1);
  const figure = Math.abs(percent) >= 99.95 ? threeFigures(Math.abs(percent)) : Math.abs(percent).toFixed(1);
  return `${percent < 0 ? '−' : '+'}${figure} %`;
}

/** How a perplexity was measured: `16 consecutive windows of 512 tokens, 8,176 scored, of eval.txt`. */
export function protocolWords({ windows, contextLength, tokens, text }: PerplexityFigure): string {
  const name = text.split(/[\\/]/).at(-1) ?? text;
  return `${windows} consecutive windows of ${contextLength.toLocaleString('en')} tokens, ${tokens.toLocaleString('en')} scored, of ${name}`;
}

/** Whether both were measured in the same way; else they may not be compared. */
export function isComparable(before: PerplexityFigure, after: PerplexityFigure): boolean {
  return (
    before.protocol === after.protocol &&
    before.windows === after.windows &&
    before.contextLength === after.contextLength &&
    before.textSha256 === after.textSha256
  );
}

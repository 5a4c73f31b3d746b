/** How perplexities were measured, in words. */
import type { PerplexityFigure } from '../../shared/run-record.ts';

/** How a perplexity was measured: `16 consecutive windows of 512 tokens, 8,176 scored, of eval.txt`. */
export function protocolWords({ windows, contextLength, tokens, text }: PerplexityFigure): string {
  const name = text.split(/[\\/]/).at(-1) ?? text;
  return `${windows} consecutive windows of ${contextLength.toLocaleString('en')} tokens, ${tokens.toLocaleString('en')} scored, of ${name}`;
}

/** Whether both were measured in the same way; else they may not be compared. */
export function isComparable(before: PerplexityFigure, after: PerplexityFigure): boolean {
  return (
    before.windows === after.windows &&
    before.contextLength === after.contextLength &&
    before.textSha256 === after.textSha256
  );
}

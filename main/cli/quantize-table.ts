import Table from 'cli-table3';
import { readableBytes, readableDuration, threeFigures } from '../../shared/readable-quantities.ts';
import type { QuantizeSummary } from '../../shared/summaries.ts';
import type { PerplexityFigure } from '../../shared/run-record.ts';
import { grouped } from './progress-line.ts';

/** What a run came to: bits nominal and stored side by side, size, perplexity before and after. */
export function quantizeText(summary: QuantizeSummary): string {
  const { before, after, sessions } = summary;
  const table = new Table({ style: { head: [], border: [] } });
  table.push(
    { budget: `${summary.budget}, ${summary.method}` },
    {
      'bits a weight': `${summary.nominalBits.toFixed(3)} nominal (as the paper counts), ${summary.storedBits.toFixed(3)} stored`,
    },
    {
      'quantized weights': `${grouped(summary.weights)}: ${readableBytes(summary.sourceBytes)} -> ${readableBytes(summary.packedBytes)} packed`,
    },
    ...(before === undefined ? [] : [{ 'perplexity before': perplexity(before) }]),
    ...(after === undefined ? [] : [{ 'perplexity after': perplexity(after) }]),
    ...(summary.strength === undefined ? [] : [{ 'strength of corrections': String(summary.strength) }]),
    ...(summary.loss === undefined ? [] : [{ loss: threeFigures(summary.loss) }]),
    { time: readableDuration(summary.seconds) + (sessions === 1 ? '' : ` in ${sessions} sessions`) },
    { run: summary.runFolder },
    ...(summary.exportFolder === undefined ? [] : [{ 'exported model': summary.exportFolder }]),
  );
  return `${table.toString()}\n`;
}

function perplexity(figure: PerplexityFigure): string {
  return `${figure.perplexity.toFixed(2)} (${figure.windows} windows of ${figure.contextLength} tokens, ${figure.text})`;
}

import pc from 'picocolors';
import { MATRIX_KINDS } from '../../shared/model.ts';
import { readableDuration } from '../../shared/readable-quantities.ts';
import type { SensitivitySummary } from '../../shared/summaries.ts';
import { plainTable } from './plain-table.ts';
import { grouped } from './progress-line.ts';

/** The map of all matrices as text for a terminal: the fourth picture of an inspection. */
export function sensitivityText(summary: SensitivitySummary): string {
  const { matrices, tokens, segments, segmentLength, text, textSha256, engine, seconds } = summary;
  const table = plainTable(
    ['layer', ...MATRIX_KINDS],
    ['right', ...MATRIX_KINDS.map(() => 'right' as const)],
  );
  const largest = matrices.reduce((most, { mean }) => Math.max(most, mean), 0);
  for (const [block, own] of Map.groupBy(matrices, (matrix) => matrix.block)) {
    table.push([String(block), ...own.map(({ mean }) => shaded(mean, largest))]);
  }
  return [
    pc.bold("4. Sensitivity of every layer and matrix: mean squared gradient at the layer's output"),
    `Over ${grouped(tokens)} tokens of ${text} (sha256 ${textSha256.slice(0, 12)}), ${segments} x ${segmentLength}; by ${engine} in ${readableDuration(seconds)}.`,
    table.toString(),
    '',
  ].join('\n');
}

/** The matrices that feel most stand out. */
function shaded(mean: number, largest: number): string {
  const text = mean === 0 ? '0' : mean.toExponential(2);
  if (mean >= largest / 2) return pc.red(text);
  return mean >= largest / 10 ? pc.yellow(text) : text;
}

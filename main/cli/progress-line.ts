import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import type { Progress } from '../../shared/progress.ts';
import { readableBytes, readableDuration, threeFigures } from '../../shared/readable-quantities.ts';

const BAR_CELLS = 24;

/** `━━━━━━────`, BAR_CELLS wide. */
export function progressBar({ done, total }: Progress): string {
  const filled = total === 0 ? BAR_CELLS : Math.min(BAR_CELLS, Math.round((done / total) * BAR_CELLS));
  return '━'.repeat(filled) + '─'.repeat(BAR_CELLS - filled);
}

/** `42 of 210 matrices`, `1.2 MB of 3.4 MB`. */
export function progressCount({ done, total, unit }: Progress): string {
  if (unit === 'bytes') return `${readableBytes(done)} of ${readableBytes(total)}`;
  return `${grouped(done)} of ${grouped(total)} ${unit}`;
}

/** `35.2 matrices/s, 5 s left`; empty before a rate is known. */
export function progressPace({ done, total, unit }: Progress, perSecond: number | undefined): string {
  if (perSecond === undefined || done >= total) return '';
  const rate = unit === 'bytes' ? readableBytes(Math.round(perSecond)) : `${threeFigures(perSecond)} ${unit}`;
  return `${rate}/s, ${readableDuration((total - done) / perSecond)} left`;
}

/** The live line: phase, bar, count, pace and detail; the last ones are left out where the terminal is too narrow. */
export function liveLine(progress: Progress, perSecond: number | undefined, columns: number): string {
  const { phase, detail = '' } = progress;
  const pace = progressPace(progress, perSecond);
  const parts = [phase, pc.cyan(progressBar(progress)), progressCount(progress), pace, pc.dim(detail)];
  const kept: string[] = [];
  for (const part of parts.filter((each) => stripVTControlCharacters(each) !== '')) {
    // One column stays free: a full line wraps in some terminals.
    if (kept.length > 0 && stripVTControlCharacters([...kept, part].join('  ')).length >= columns) break;
    kept.push(part);
  }
  return kept.join('  ');
}

/** `106,168,320` */
export function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

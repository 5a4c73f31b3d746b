import type { Activity } from '../../shared/activity.ts';
import { readableBytes, readableDuration, threeFigures } from '../../shared/readable-quantities.ts';
import type { Pace } from '../../shared/runs.ts';

/** What kind of thing goes on, as a noun. */
export const ACTIVITY_WORDS: Readonly<Record<Activity['kind'], string>> = {
  quantize: 'Run',
  export: 'Export',
  download: 'Download',
  setup: 'Set-up',
  evaluate: 'Evaluation',
  measure: 'Columns',
  analyse: 'Analysis',
  sensitivity: 'Sensitivity',
};

/** State in a word, where it is not the progress that says it. */
export const ACTIVITY_STATE_WORDS: Readonly<Record<Activity['state'], string>> = {
  waiting: 'Waiting',
  running: 'Running',
  stopping: 'Stopping',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** `74 of 210 matrices`, `1.20 GB of 3.10 GB`. */
export function progressFigures({ progress }: Pace): string {
  const { done, total, unit } = progress;
  if (unit === 'bytes') return `${readableBytes(done)} of ${readableBytes(total)}`;
  return `${Math.floor(done).toLocaleString('en')} of ${total.toLocaleString('en')} ${unit}`;
}

/** `12.3 MB/s`, `2,048 tokens/s`; null before there is a rate. */
export function rateText({ progress, rate }: Pace): string | null {
  if (rate === null) return null;
  if (progress.unit === 'bytes') return `${readableBytes(Math.round(rate))}/s`;
  const figure = rate >= 1000 ? Math.round(rate).toLocaleString('en') : threeFigures(rate);
  return `${figure} ${progress.unit}/s`;
}

/** `3 min 05 s left`; null where it is not known. */
export function timeLeftText({ secondsLeft }: Pace): string | null {
  return secondsLeft === null ? null : `${readableDuration(secondsLeft)} left`;
}

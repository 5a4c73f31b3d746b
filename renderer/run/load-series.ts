/** What the machine did while the run ran, as small curves. */
import { readableBytes, threeFigures } from '../../shared/readable-quantities.ts';
import type { LoadSample } from '../../shared/runs.ts';
import type { TimeSeries } from '../charts/time-series.ts';
import type { RateSample } from './watched-run.ts';

export interface NotedSeries {
  readonly series: TimeSeries;
  readonly note: string | undefined;
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Throughput, memory and processor; the GPU's two where one computes. */
export function loadSeries(
  load: readonly LoadSample[],
  rates: readonly RateSample[],
  unit: string,
): NotedSeries[] {
  const gpus = load.flatMap(({ at, gpu }) => (gpu === null ? [] : [{ at, ...gpu }]));
  const total = gpus.at(-1)?.memoryTotalBytes;
  return [
    {
      series: {
        label: 'Throughput',
        points: rates.map(({ at, rate }) => [at, rate]),
        text: (rate) =>
          `${rate >= 1000 ? Math.round(rate).toLocaleString('en') : threeFigures(rate)} ${unit}/s`,
      },
      note: undefined,
    },
    {
      series: {
        label: 'Processor',
        points: load.map(({ at, processor }) => [at, processor]),
        text: percent,
        most: 1,
      },
      note: 'of all cores',
    },
    {
      series: {
        label: 'Memory',
        points: load.map(({ at, memoryBytes }) => [at, memoryBytes]),
        text: (bytes) => readableBytes(Math.round(bytes)),
      },
      note: undefined,
    },
    ...(total === undefined
      ? []
      : [
          {
            series: {
              label: 'GPU',
              points: gpus.map(({ at, share }) => [at, share] as const),
              text: percent,
              most: 1,
            },
            note: undefined,
          },
          {
            series: {
              label: 'GPU memory',
              points: gpus.map(({ at, memoryBytes }) => [at, memoryBytes] as const),
              text: (bytes: number) => readableBytes(Math.round(bytes)),
              most: total,
            },
            note: `of ${readableBytes(total)}`,
          },
        ]),
  ];
}

/** A small curve over time, as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import type { ChartColours } from './chart-colours.ts';

/** Milliseconds since the epoch, and the figure. */
export type TimePoint = readonly [at: number, value: number];

export interface TimeSeries {
  /** `Memory` */
  readonly label: string;
  readonly points: readonly TimePoint[];
  /** The figure with its unit. */
  readonly text: (value: number) => string;
  /** Top of the axis, where there is a natural one: all of the memory, or 1 for a share. */
  readonly most?: number | undefined;
}

/** A pause between two samples as long as this is a gap in the curve, in milliseconds: the run did not run. */
const GAP = 60_000;

/** The points with a hole where the run stood still. */
export function withGaps(points: readonly TimePoint[]): (readonly [number, number | null])[] {
  return points.flatMap((point, index): (readonly [number, number | null])[] => {
    const before = points[index - 1];
    if (before === undefined || point[0] - before[0] < GAP) return [point];
    return [[before[0] + 1, null], point];
  });
}

export function seriesOption(series: TimeSeries, colours: ChartColours): EChartsCoreOption {
  const largest = series.points.reduce((most, [, value]) => Math.max(most, value), 0);
  const top = Math.max(series.most ?? 0, largest) || 1;
  return {
    textStyle: { fontFamily: colours.font },
    grid: { left: 0, right: 0, top: 4, bottom: 2 },
    tooltip: {
      renderMode: 'richText',
      trigger: 'axis',
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours.line,
      padding: [4, 8],
      textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 12 },
      axisPointer: { lineStyle: { color: colours.muted } },
      formatter: (points: readonly { readonly data: readonly [number, number | null] }[]) => {
        const [at, value] = points[0]?.data ?? [0, null];
        return value === null ? '' : `${clockTime(at)}  ${series.text(value)}`;
      },
    },
    xAxis: {
      type: 'time',
      axisLabel: { show: false },
      axisTick: { show: false },
      axisLine: { lineStyle: { color: colours.line } },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      min: 0,
      // Room for the line's own width at the top.
      max: top * 1.05,
      axisLabel: { show: false },
      splitLine: { show: false },
    },
    series: [
      {
        id: 'figure',
        type: 'line',
        data: withGaps(series.points),
        showSymbol: false,
        sampling: 'lttb',
        lineStyle: { width: 1.25, color: colours.accent },
        areaStyle: { color: colours.accent, opacity: 0.12 },
        itemStyle: { color: colours.accent },
      },
    ],
  };
}

/** `14:03:07`, in the window's own time. */
export function clockTime(at: number | string): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** The curve in words. */
export function seriesDescription({ label, points, text }: TimeSeries): string {
  const last = points.at(-1);
  if (last === undefined) return `${label}: no figures yet`;
  const most = points.reduce((largest, [, value]) => Math.max(largest, value), 0);
  return `${label}: ${text(last[1])} now, ${text(most)} at most`;
}

/** What all charts have in common: type, axes with names, tooltips that the page's policy lets through. */
import type { EChartsCoreOption } from 'echarts/core';
import type { ChartColours } from './chart-colours.ts';

export interface AxisLook {
  readonly type: 'value' | 'log' | 'category';
  /** What it measures, with its unit. */
  readonly name: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly minInterval?: number | undefined;
  /** Whether the axis ends at figures that are no round numbers, and so are not written. */
  readonly roughEnds?: boolean;
  readonly text?: ((value: number) => string) | undefined;
}

export function horizontalAxis(axis: AxisLook, colours: ChartColours): EChartsCoreOption {
  return {
    ...axisOption(axis, colours),
    nameLocation: 'middle',
    nameGap: 26,
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { lineStyle: { color: colours.line } },
    splitLine: { show: false },
  };
}

export function verticalAxis(axis: AxisLook, colours: ChartColours): EChartsCoreOption {
  return {
    ...axisOption(axis, colours),
    nameLocation: 'middle',
    nameRotate: 90,
    nameGap: 48,
    axisLine: { show: false },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: colours.faint } },
  };
}

function axisOption(axis: AxisLook, colours: ChartColours): EChartsCoreOption {
  const { type, name, min, max, minInterval, roughEnds = false, text } = axis;
  return {
    type,
    name,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
    ...(minInterval === undefined ? {} : { minInterval }),
    nameTextStyle: { color: colours.muted, fontFamily: colours.font, fontSize: 11 },
    axisLabel: {
      color: colours.muted,
      fontFamily: colours.font,
      fontSize: 11,
      hideOverlap: true,
      ...(roughEnds ? { showMinLabel: false, showMaxLabel: false } : {}),
      ...(text === undefined ? {} : { formatter: text }),
    },
  };
}

/** Room for the axes' names and labels, in pixels. */
export const PLOT = { left: 68, right: 16, top: 28, bottom: 44 } as const;

export function axisTooltip(
  formatter: (points: unknown) => string,
  colours: ChartColours,
): EChartsCoreOption {
  return {
    // HTML tooltips would need styles that the page's policy refuses.
    renderMode: 'richText',
    trigger: 'axis',
    confine: true,
    backgroundColor: colours.surface,
    borderColor: colours.line,
    padding: [6, 10],
    textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 12 },
    axisPointer: { snap: false, lineStyle: { color: colours.muted, type: 'solid' } },
    formatter,
  };
}

/** Where the pointer stands on the horizontal axis, of what ECharts tells a tooltip's formatter. */
export function pointedPlace(points: unknown): number | undefined {
  const first: unknown = Array.isArray(points) ? points[0] : points;
  if (typeof first !== 'object' || first === null || !('axisValue' in first)) return undefined;
  const place = Number(first.axisValue);
  return Number.isFinite(place) ? place : undefined;
}

/** The names of the lines above the plot, the same on the screen and in a file; one line needs none. */
export function legend(lines: number, colours: ChartColours): EChartsCoreOption {
  return {
    show: lines > 1,
    type: 'plain',
    top: 0,
    left: PLOT.left - 4,
    right: PLOT.right,
    itemWidth: 24,
    itemHeight: 8,
    itemGap: 12,
    selectedMode: false,
    // The line alone, with its dashes.
    itemStyle: { opacity: 0 },
    textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 11 },
  };
}

/** How lines are told apart, in their order: Paul Tol's "bright", and dashes for whoever sees them alike. */
export const LINE_MARKS: readonly { readonly colour: string; readonly dash: readonly number[] }[] = [
  { colour: '#4477aa', dash: [] },
  { colour: '#ee6677', dash: [6, 3] },
  { colour: '#228833', dash: [2, 2] },
  { colour: '#aa3377', dash: [10, 3] },
  { colour: '#ccbb44', dash: [] },
  { colour: '#66ccee', dash: [6, 3] },
  { colour: '#999999', dash: [2, 2] },
  { colour: '#dd7722', dash: [10, 3] },
];

export function lineStyle(
  mark: { readonly colour: string; readonly dash: readonly number[] },
  width = 1.5,
): {
  readonly width: number;
  readonly color: string;
  readonly type: 'solid' | readonly number[];
} {
  return { width, color: mark.colour, type: mark.dash.length === 0 ? 'solid' : mark.dash };
}

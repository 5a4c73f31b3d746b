/** The sorted outlier ratios of one or several matrices, as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import { readablePercent } from '../../shared/readable-quantities.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import {
  axisTooltip,
  horizontalAxis,
  legend,
  LINE_MARKS,
  lineStyle,
  PLOT,
  pointedPlace,
  verticalAxis,
} from '../charts/chart-look.ts';
import {
  axisPlace,
  type CurveX,
  curvePoints,
  headColumns,
  heldShare,
  type OutlierCurve,
  rankAt,
  ratioAtRank,
} from './outlier-curve.ts';

export interface NamedCurve {
  /** `Layer 3, q` */
  readonly name: string;
  readonly curve: OutlierCurve;
}

export interface CurveChartLook {
  readonly axis: CurveX;
  readonly scale: 'log' | 'linear';
  /** Share of the columns that the cursor stands at. */
  readonly head: number;
  readonly s: number;
}

export function outlierCurveOption(
  curves: readonly NamedCurve[],
  { axis, scale, head, s }: CurveChartLook,
  colours: ChartColours,
): EChartsCoreOption {
  const most = curves.reduce((columns, { curve }) => Math.max(columns, curve.counts.length), 1);
  const first = curves[0]?.curve;
  const cursor =
    first === undefined ? 0 : axisPlace(headColumns(first.counts.length, head), first.counts.length, axis);
  return {
    textStyle: { fontFamily: colours.font },
    // More names than this take a second line.
    grid: { ...PLOT, top: curves.length > 4 ? 48 : PLOT.top },
    legend: legend(curves.length, colours),
    tooltip: axisTooltip((points) => {
      const place = pointedPlace(points);
      return place === undefined ? '' : pointedWords(curves, axis, place);
    }, colours),
    xAxis: horizontalAxis(
      {
        type: 'value',
        name:
          axis === 'rank'
            ? 'Columns, those with the most outliers first'
            : 'Columns, those with the most outliers first (%)',
        min: 0,
        max: axis === 'rank' ? most : 100,
      },
      colours,
    ),
    yAxis: verticalAxis(
      {
        type: scale === 'log' ? 'log' : 'value',
        name: `Outlier ratio at S = ${s} (% of a column)`,
        text: (value) => readablePercent(value).replace(' %', ''),
      },
      colours,
    ),
    series: curves.map(({ name, curve }, index) => {
      const mark = LINE_MARKS[index % LINE_MARKS.length] ?? { colour: colours.accent, dash: [] };
      return {
        id: name,
        name,
        type: 'line',
        data: curvePoints(curve, axis, scale === 'linear'),
        symbol: 'none',
        lineStyle: lineStyle(mark, index === 0 ? 2 : 1.5),
        itemStyle: { color: mark.colour },
        emphasis: { disabled: true },
        ...(index > 0 ? {} : { markLine: cursorLine(cursor, colours) }),
      };
    }),
  };
}

function cursorLine(place: number, colours: ChartColours): EChartsCoreOption {
  return {
    silent: true,
    symbol: 'none',
    label: { show: false },
    lineStyle: { color: colours.text, type: 'solid', width: 1 },
    data: [{ xAxis: place }],
  };
}

/** What each curve says at a place of the axis; a sentence where there is one alone. */
function pointedWords(curves: readonly NamedCurve[], axis: CurveX, place: number): string {
  if (curves.length > 1) return comparedWords(curves, axis, place);
  return curves
    .map(({ name, curve }) => {
      const columns = curve.counts.length;
      const rank = rankAt(place, columns, axis);
      const ratio = ratioAtRank(curve, rank);
      return `${name}, rank ${rank.toLocaleString('en')}: ${readablePercent(ratio)}\n${holdingWords(curve, rank)}`;
    })
    .join('\n');
}

function comparedWords(curves: readonly NamedCurve[], axis: CurveX, place: number): string {
  const lines = curves.map(({ name, curve }) => {
    const rank = rankAt(place, curve.counts.length, axis);
    const held = heldShare(curve, rank);
    const holds = held === null ? 'no outliers' : `holds ${readablePercent(held)}`;
    return `${name}: ${readablePercent(ratioAtRank(curve, rank))}, ${holds}`;
  });
  const head =
    axis === 'rank'
      ? `Rank ${Math.round(place).toLocaleString('en')}`
      : `Top ${place.toFixed(1)} % of columns`;
  return [head, ...lines].join('\n');
}

/** `top 5 % of columns hold 63 % of the outliers` */
export function holdingWords(curve: OutlierCurve, columns: number): string {
  const held = heldShare(curve, columns);
  const share = readablePercent(columns / curve.counts.length);
  if (held === null) return `top ${share} of columns: the matrix has no outliers`;
  return `top ${share} of columns hold ${readablePercent(held)} of the outliers`;
}

/** The chart in words. */
export function outlierCurveDescription(curves: readonly NamedCurve[], head: number, s: number): string {
  const parts = curves.map(({ name, curve }) => {
    const columns = headColumns(curve.counts.length, head);
    return `${name}: largest ${readablePercent(ratioAtRank(curve, 1))}, ${holdingWords(curve, columns)}`;
  });
  return `Sorted outlier ratio of the columns at S = ${s}. ${parts.join('; ')}`;
}

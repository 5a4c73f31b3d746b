/** The outlier ratio of every layer (the paper's Figure 5), as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import { MATRIX_KINDS } from '../../shared/model.ts';
import { readablePercent } from '../../shared/readable-quantities.ts';
import type { MatrixOverview } from '../../shared/statistics.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import {
  axisTooltip,
  horizontalAxis,
  legend,
  lineStyle,
  PLOT,
  pointedPlace,
  verticalAxis,
} from '../charts/chart-look.ts';
import { KIND_MARKS } from '../charts/kind-marks.ts';
import { layerSums, outlierRatio } from './measured.ts';

/** A line over the layers. */
export interface LayerLine {
  readonly name: string;
  readonly mark: { readonly colour: string; readonly dash: readonly number[] };
  /** [layer, outlier ratio] */
  readonly points: readonly (readonly [block: number, ratio: number])[];
}

/** Each layer as a whole, or a line for each kind of matrix. */
export type LayerParts = 'layers' | 'kinds';

export function layerLines(
  matrices: readonly MatrixOverview[],
  level: number,
  parts: LayerParts,
  accent: string,
): readonly LayerLine[] {
  if (parts === 'layers') {
    const points = layerSums(matrices, level).map((sum) => [sum.block, outlierRatio(sum)] as const);
    return [{ name: 'All matrices of the layer', mark: { colour: accent, dash: [] }, points }];
  }
  return MATRIX_KINDS.map((kind) => {
    const own = matrices.filter((matrix) => matrix.kind === kind);
    const points = layerSums(own, level).map((sum) => [sum.block, outlierRatio(sum)] as const);
    return { name: kind, mark: KIND_MARKS[kind], points };
  });
}

export interface LayerChartLook {
  readonly scale: 'log' | 'linear';
  readonly s: number;
  /** Layers of the model: the end of the axis. */
  readonly blocks: number;
}

export function layerCurveOption(
  lines: readonly LayerLine[],
  { scale, s, blocks }: LayerChartLook,
  colours: ChartColours,
): EChartsCoreOption {
  return {
    textStyle: { fontFamily: colours.font },
    grid: PLOT,
    legend: legend(lines.length, colours),
    tooltip: {
      ...axisTooltip((points) => {
        const place = pointedPlace(points);
        return place === undefined ? '' : layerWords(lines, Math.round(place));
      }, colours),
      axisPointer: { snap: true, lineStyle: { color: colours.muted, type: 'solid' } },
    },
    xAxis: horizontalAxis(
      { type: 'value', name: 'Layer', min: 0, max: Math.max(1, blocks - 1), minInterval: 1 },
      colours,
    ),
    yAxis: verticalAxis(
      {
        type: scale === 'log' ? 'log' : 'value',
        name: `Outlier ratio at S = ${s} (%)`,
        text: (value) => readablePercent(value).replace(' %', ''),
      },
      colours,
    ),
    series: lines.map(({ name, mark, points }) => ({
      id: name,
      name,
      type: 'line',
      // Nothing has no place on a logarithmic axis: the line has a gap there.
      data: points.map(([block, ratio]) => [block, scale === 'log' && ratio <= 0 ? null : ratio]),
      symbol: lines.length === 1 ? 'circle' : 'none',
      symbolSize: 5,
      lineStyle: lineStyle(mark),
      itemStyle: { color: mark.colour },
      emphasis: { disabled: true },
    })),
  };
}

function layerWords(lines: readonly LayerLine[], layer: number): string {
  const known = lines.flatMap(({ name, points }) => {
    const point = points.find(([block]) => block === layer);
    return point === undefined ? [] : [{ name, ratio: point[1] }];
  });
  const words = known.map(({ name, ratio }) =>
    lines.length === 1 ? readablePercent(ratio) : `${name}: ${readablePercent(ratio)}`,
  );
  return [`Layer ${layer}`, ...words].join('\n');
}

/** The chart in words. */
export function layerCurveDescription(lines: readonly LayerLine[], s: number): string {
  const parts = lines.flatMap(({ name, points }) => {
    const most = points.reduce<readonly [number, number]>(
      (larger, point) => (point[1] > larger[1] ? point : larger),
      [0, -1],
    );
    return most[1] < 0 ? [] : [`${name}: most in layer ${most[0]}, ${readablePercent(most[1])}`];
  });
  return `Outlier ratio by layer at S = ${s}. ${parts.join('; ')}`;
}

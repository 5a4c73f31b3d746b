/** The weights of a column as a histogram with a codebook over it, as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import type { MatrixKind } from '../../shared/model.ts';
import type { ColumnView } from '../../shared/statistics.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import { axisTooltip, horizontalAxis, PLOT, pointedPlace, verticalAxis } from '../charts/chart-look.ts';
import { figures } from '../charts/matrix-quantities.ts';
import { VIRIDIS_COLOURS } from '../design/viridis.ts';
import type { Histogram } from './histogram.ts';

/** A column as the service tells it, with the matrix that it belongs to. */
export interface ShownColumn extends Omit<ColumnView, 'sorted'> {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Ascending. */
  readonly sorted: Float32Array;
}

export interface ColumnPicture {
  readonly histogram: Histogram;
  /** Of the chosen width, ascending. */
  readonly centroids: readonly number[];
  /** Values up to the first and from the second on are reserved; undefined where none are. */
  readonly reserved: ReservedTails | undefined;
  /** S times the matrix's mean |w|: beyond it on either side are outliers. */
  readonly outlierAt: number;
}

export interface ReservedTails {
  readonly below: number;
  readonly above: number;
}

/**
 * Where the reserved tails begin: in the middle between the last reserved entry and the first that is not.
 * @param each entries reserved at each tail
 */
export function reservedTails(sorted: Float32Array, each: number): ReservedTails | undefined {
  if (each <= 0 || 2 * each >= sorted.length) return undefined;
  const between = (at: number): number => ((sorted[at - 1] ?? 0) + (sorted[at] ?? 0)) / 2;
  return { below: between(each), above: between(sorted.length - each) };
}

const HISTOGRAM_COLOUR = VIRIDIS_COLOURS[110] ?? '#2a788e';

export function columnOption(picture: ColumnPicture, colours: ChartColours): EChartsCoreOption {
  const { histogram, centroids, reserved, outlierAt } = picture;
  const { from, width, counts } = histogram;
  const to = from + width * counts.length;
  const reach = Math.max(Math.abs(from), Math.abs(to)) * 1.02;
  return {
    textStyle: { fontFamily: colours.font },
    grid: { ...PLOT, top: 20 },
    tooltip: axisTooltip((points) => {
      const place = pointedPlace(points);
      return place === undefined ? '' : binWords(histogram, place);
    }, colours),
    xAxis: horizontalAxis(
      { type: 'value', name: 'Weight', min: -reach, max: reach, roughEnds: true, text: figures },
      colours,
    ),
    yAxis: verticalAxis({ type: 'value', name: 'Entries in a bin', minInterval: 1 }, colours),
    series: [
      {
        id: 'histogram',
        type: 'line',
        // The outline of the bars: a bar on a value axis would have no width of its own.
        data: outline(histogram),
        showSymbol: false,
        lineStyle: { width: 1, color: HISTOGRAM_COLOUR },
        areaStyle: { color: HISTOGRAM_COLOUR, opacity: 0.45 },
        itemStyle: { color: HISTOGRAM_COLOUR },
        emphasis: { disabled: true },
        markArea: {
          silent: true,
          label: { color: colours.text, fontSize: 11, position: 'insideTop' },
          itemStyle: { color: colours.muted, opacity: 0.22 },
          data:
            reserved === undefined
              ? []
              : [
                  [{ xAxis: -reach, name: 'reserved' }, { xAxis: reserved.below }],
                  [{ xAxis: reserved.above, name: 'reserved' }, { xAxis: reach }],
                ],
        },
      },
      linesAt('centroids', centroids, { color: colours.text, width: 1, type: 'solid', opacity: 0.75 }, ''),
      linesAt(
        'outliers',
        [-outlierAt, outlierAt].filter((at) => Math.abs(at) < reach),
        { color: colours.accent, width: 1.5, type: 'dashed', opacity: 1 },
        'S',
      ),
    ],
  };
}

function linesAt(
  id: string,
  places: readonly number[],
  style: EChartsCoreOption,
  label: string,
): EChartsCoreOption {
  return {
    id,
    type: 'line',
    data: [],
    markLine: {
      silent: true,
      symbol: 'none',
      label: { show: label !== '', formatter: label, color: style['color'], fontSize: 11 },
      lineStyle: style,
      data: places.map((xAxis) => ({ xAxis })),
    },
  };
}

/** From the axis up, over each bin, and down again. */
export function outline({ from, width, counts }: Histogram): [x: number, count: number][] {
  const points: [number, number][] = [[from, 0]];
  for (const [bin, count] of counts.entries()) {
    points.push([from + bin * width, count], [from + (bin + 1) * width, count]);
  }
  points.push([from + counts.length * width, 0]);
  return points;
}

function binWords({ from, width, counts }: Histogram, place: number): string {
  const bin = Math.floor((place - from) / width);
  const count = counts[bin];
  if (count === undefined) return '';
  const low = from + bin * width;
  return `${figures(low)} to ${figures(low + width)}\n${count.toLocaleString('en')} ${count === 1 ? 'entry' : 'entries'}`;
}

/** The chart in words. */
export function columnDescription(
  { block, kind, column, sorted, reserved }: ShownColumn,
  centroids: number,
): string {
  const ends = `${figures(sorted[0] ?? 0)} to ${figures(sorted.at(-1) ?? 0)}`;
  const kept = reserved === 0 ? '' : `, ${2 * reserved} entries reserved`;
  return `Weights of column ${column} of layer ${block}, ${kind}: ${sorted.length} entries from ${ends}, ${centroids} centroids${kept}`;
}

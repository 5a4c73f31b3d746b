/** Predicted loss against stored bits, as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import type { ChartColours } from '../charts/chart-colours.ts';
import {
  PLOT,
  axisTooltip,
  horizontalAxis,
  legend,
  pointedPlace,
  verticalAxis,
} from '../charts/chart-look.ts';
import { csvText } from '../charts/csv-text.ts';
import { heatScale } from '../charts/heat-scale.ts';
import { figures } from '../charts/matrix-quantities.ts';

export interface LossPoint {
  /** Stored bits a weight. */
  readonly bits: number;
  readonly loss: number;
}

export interface NamedPoint extends LossPoint {
  readonly name: string;
}

/** Everything that is drawn. Points without a loss above 0, which a logarithmic axis has no place for, are left out before. */
export interface LossPicture {
  /** What the loss is, for the axis: `Predicted loss`. */
  readonly quantity: string;
  /** The cheapest setting at each size, by ascending bits. */
  readonly curve: readonly LossPoint[];
  readonly current: LossPoint | undefined;
  /** The budget that was kept to compare with. */
  readonly kept: LossPoint | undefined;
  readonly presets: readonly NamedPoint[];
  readonly runs: readonly NamedPoint[];
}

export function lossOption(picture: LossPicture, colours: ChartColours): EChartsCoreOption {
  const [low, high] = bitsRange(picture);
  const [least, most] = lossRange(picture);
  const marks = markedPoints(picture, colours).filter(({ all }) => all.length > 0);
  return {
    textStyle: { fontFamily: colours.font },
    grid: PLOT,
    legend: {
      ...legend(marks.length + 1, colours),
      itemWidth: 14,
      itemStyle: { opacity: 1 },
      data: [
        { name: CURVE, icon: LINE, itemStyle: { color: colours.muted } },
        ...marks.map(({ name, symbol, colour }) => ({ name, icon: symbol, itemStyle: { color: colour } })),
      ],
    },
    tooltip: axisTooltip((points) => {
      const place = pointedPlace(points);
      return place === undefined ? '' : pointedWords(picture, place);
    }, colours),
    xAxis: horizontalAxis({ type: 'value', name: 'Stored bits a weight', min: low, max: high }, colours),
    yAxis: verticalAxis(
      { type: 'log', name: picture.quantity, min: least, max: most, text: figures },
      colours,
    ),
    series: [
      {
        id: CURVE,
        name: CURVE,
        type: 'line',
        data: picture.curve.map(({ bits, loss }) => [bits, loss]),
        showSymbol: false,
        lineStyle: { width: 1.5, color: colours.muted },
        itemStyle: { color: colours.muted },
        emphasis: { disabled: true },
      },
      ...marks.map((points) => markSeries(points, colours)),
    ],
  };
}

/** The sign of a line. */
const LINE = 'path://M0 0h14v2H0z';
const CURVE = 'AP’s average';

interface MarkedPoints {
  readonly name: string;
  readonly all: readonly NamedPoint[];
  readonly colour: string;
  readonly symbol: string;
  readonly size: number;
}

/** Colours of Paul Tol's "bright", each with a sign of its own; what is edited lies on top. */
function markedPoints(
  { presets, runs, kept, current }: LossPicture,
  { accent }: ChartColours,
): MarkedPoints[] {
  return [
    { name: 'Paper', all: presets, colour: '#aa3377', symbol: 'diamond', size: 9 },
    { name: 'Runs', all: runs, colour: '#228833', symbol: 'triangle', size: 10 },
    { name: 'A', all: named('A', kept), colour: '#cc7722', symbol: 'rect', size: 9 },
    { name: 'This budget', all: named('', current), colour: accent, symbol: 'circle', size: 12 },
  ];
}

function named(name: string, point: LossPoint | undefined): NamedPoint[] {
  return point === undefined ? [] : [{ ...point, name }];
}

/** Points without a line; names that would lie over others are left out. */
function markSeries(
  { name, all, colour, symbol, size }: MarkedPoints,
  colours: ChartColours,
): EChartsCoreOption {
  return {
    id: name,
    name,
    type: 'line',
    data: all.map((point) => ({ name: point.name, value: [point.bits, point.loss] })),
    showSymbol: true,
    symbol,
    symbolSize: size,
    lineStyle: { width: 0, opacity: 0 },
    itemStyle: { color: colour, borderColor: colours.surface, borderWidth: 1 },
    label: {
      show: true,
      position: 'top',
      formatter: '{b}',
      color: colours.muted,
      fontFamily: colours.font,
      fontSize: 10,
    },
    labelLayout: { hideOverlap: true },
    emphasis: { disabled: true },
  };
}

/** Bits beyond the points on both sides. */
const MARGIN = 0.2;

/** Round ends that hold what is compared; the curve goes on beyond them. */
export function bitsRange({ current, kept, presets, runs, curve }: LossPicture): readonly [number, number] {
  const compared = [...presets, ...runs, ...named('', current), ...named('', kept)];
  const bits = (compared.length === 0 ? curve : compared).map((point) => point.bits);
  if (bits.length === 0) return [0, 1];
  const low = Math.floor(10 * (Math.min(...bits) - MARGIN)) / 10;
  const high = Math.ceil(10 * (Math.max(...bits) + MARGIN)) / 10;
  return [low, high];
}

/** From the least to the most that is in sight, to the next 1, 2 or 5 times a power of ten. */
export function lossRange(picture: LossPicture): readonly [number, number] {
  const [low, high] = bitsRange(picture);
  const { current, kept, presets, runs, curve } = picture;
  const inSight = [...presets, ...runs, ...named('', current), ...named('', kept), ...curve].filter(
    ({ bits }) => low <= bits && bits <= high,
  );
  const scale = heatScale(
    inSight.map(({ loss }) => loss),
    'log',
  );
  return scale === undefined ? [1, 10] : [scale.low, scale.high];
}

/** Points this near to the pointer, as a share of the axis, are named. */
const NEAR = 0.012;

/** What stands at a place of the axis: the curve, and the points beside it. */
export function pointedWords(picture: LossPicture, bits: number): string {
  const [low, high] = bitsRange(picture);
  const near = (point: LossPoint): boolean => Math.abs(point.bits - bits) <= NEAR * (high - low);
  const words = (name: string, point: LossPoint): string =>
    `${name}: ${figures(point.loss)} at ${point.bits.toFixed(3)} bits`;
  const onCurve = curveLoss(picture.curve, bits);
  return [
    ...(onCurve === undefined ? [] : [`${bits.toFixed(2)} bits: ${figures(onCurve)} on the curve`]),
    ...named('', picture.current)
      .filter(near)
      .map((point) => words('This budget', point)),
    ...named('', picture.kept)
      .filter(near)
      .map((point) => words('A', point)),
    ...picture.presets.filter(near).map((point) => words(`The paper’s ${point.name}`, point)),
    ...picture.runs.filter(near).map((point) => words(point.name, point)),
  ].join('\n');
}

/** The curve at a place, on the straight line between its points in the logarithm; undefined outside of it. */
export function curveLoss(curve: readonly LossPoint[], bits: number): number | undefined {
  const at = curve.findIndex((point) => point.bits >= bits);
  const after = curve[at];
  const before = curve[at - 1];
  if (after === undefined) return undefined;
  if (before === undefined || after.bits === before.bits) return after.bits === bits ? after.loss : undefined;
  const share = (bits - before.bits) / (after.bits - before.bits);
  return Math.exp(Math.log(before.loss) * (1 - share) + Math.log(after.loss) * share);
}

export function lossCsv({ curve, current, kept, presets, runs }: LossPicture): string {
  const rows = (kind: string, all: readonly (LossPoint & { readonly name?: string })[]) =>
    all.map(({ name = '', bits, loss }) => [kind, name, bits, loss] as const);
  return csvText(
    ['kind', 'name', 'stored_bits', 'loss'],
    [
      ...rows('curve', curve),
      ...rows('preset', presets),
      ...rows('run', runs),
      ...rows('kept', named('A', kept)),
      ...rows('current', named('', current)),
    ],
  );
}

export function lossDescription(picture: LossPicture): string {
  const { current, presets, runs } = picture;
  const now =
    current === undefined
      ? ''
      : `: this budget ${figures(current.loss)} at ${current.bits.toFixed(2)} stored bits`;
  return `${picture.quantity} against stored bits a weight${now}; ${presets.length} settings of the paper, ${runs.length} runs`;
}

/** The curve of losses, as ECharts wants to be told. */
import type { EChartsCoreOption } from 'echarts/core';
import { MATRIX_KINDS, type MatrixKind } from '../../shared/model.ts';
import type { MatrixResult } from '../../shared/run-record.ts';
import type { ChartColours } from './chart-colours.ts';
import { decadeText } from './decade-ticks.ts';
import { KIND_MARKS } from './kind-marks.ts';
import { QUANTITIES, figures } from './matrix-quantities.ts';

/** With more matrices than this there are lines alone. */
const MAX_SIGNS = 50;

/** Place in the order of computation, from 1, and the loss a weight. */
export type CurvePoint = readonly [place: number, loss: number];

/** Matrices with a loss above 0, which is what a logarithmic axis can show. */
export function curvePoints(sequence: readonly MatrixResult[], kind: MatrixKind): CurvePoint[] {
  return sequence.flatMap((matrix, index): CurvePoint[] => {
    const loss = matrix.kind === kind ? QUANTITIES.lossPerWeight.of(matrix) : null;
    return loss === null || loss <= 0 ? [] : [[index + 1, loss]];
  });
}

export function curveOption(
  sequence: readonly MatrixResult[],
  total: number,
  colours: ChartColours,
): EChartsCoreOption {
  const points = MATRIX_KINDS.map((kind) => curvePoints(sequence, kind));
  const labels = { color: colours.muted, fontFamily: colours.font, fontSize: 11 };
  return {
    textStyle: { fontFamily: colours.font },
    grid: { left: 52, right: 12, top: 8, bottom: 24 },
    tooltip: {
      // HTML tooltips would need styles that the page's policy refuses.
      renderMode: 'richText',
      trigger: 'axis',
      axisPointer: { lineStyle: { color: colours.muted } },
      backgroundColor: colours.surface,
      borderColor: colours.line,
      textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 12 },
      formatter: (points: readonly { readonly data: CurvePoint }[]) =>
        points.map(({ data }) => tooltipText(sequence, data)).join('\n'),
    },
    xAxis: {
      type: 'value',
      min: 1,
      max: Math.max(total, 2),
      // The axis ends with the last matrix, which is no round number.
      axisLabel: { ...labels, showMaxLabel: false },
      axisLine: { lineStyle: { color: colours.line } },
      axisTick: { show: false },
      splitLine: { show: false },
      minInterval: 1,
    },
    yAxis: {
      type: 'log',
      axisLabel: { ...labels, formatter: decadeText(points.flat().map(([, loss]) => loss)) },
      splitLine: { lineStyle: { color: colours.faint } },
    },
    series: MATRIX_KINDS.map((kind, index) => ({
      id: kind,
      name: kind,
      type: 'line',
      data: points[index] ?? [],
      // Each sign is a shape of its own to ECharts, and hundreds of them take longer to draw than a frame.
      showSymbol: sequence.length <= MAX_SIGNS,
      symbol: 'circle',
      symbolSize: 4,
      lineStyle: { width: 1.5, type: KIND_MARKS[kind].dash.length === 0 ? 'solid' : KIND_MARKS[kind].dash },
      itemStyle: { color: KIND_MARKS[kind].colour },
    })),
  };
}

function tooltipText(sequence: readonly MatrixResult[], [place, loss]: CurvePoint): string {
  const matrix = sequence[place - 1];
  if (matrix === undefined) return '';
  return `Layer ${matrix.block}, ${matrix.kind}: ${QUANTITIES.lossPerWeight.text(loss)}`;
}

/** The curve in words: least and most of each kind, and where. */
export function curveDescription(sequence: readonly MatrixResult[]): string {
  const parts = MATRIX_KINDS.flatMap((kind) => {
    const points = curvePoints(sequence, kind);
    if (points.length === 0) return [];
    const losses = points.map(([, loss]) => loss);
    return [`${kind} from ${figures(Math.min(...losses))} to ${figures(Math.max(...losses))}`];
  });
  if (parts.length === 0) return 'Loss a weight by matrix, in the order of computation: no figures yet';
  return `Loss a weight by matrix, in the order of computation: ${parts.join(', ')}`;
}

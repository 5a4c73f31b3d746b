import { basename, resolve } from 'node:path';
import pc from 'picocolors';
import {
  largestS,
  levelAt,
  lowerSWithOutliers,
  overallRatio,
  SHARE_PERCENTS,
  TOP_PERCENT,
  topColumnCount,
  type InspectionResult,
  type MatrixInspection,
  type ModelInspection,
  type OutlierCurve,
} from '../../shared/inspection.ts';
import { MATRIX_KINDS, quantizedWeights } from '../../shared/model.ts';
import { readablePercent } from '../../shared/readable-quantities.ts';
import { plainTable } from './plain-table.ts';
import { grouped } from './progress-line.ts';

/** Percent of the columns, counted from the top of Outlier Order, at which the sorted curve is read. */
const CURVE_PERCENTS = [0, 1, 2, 5, 10, 25, 50, 100] as const;
const BAR_CELLS = 40;
/** Characters of the map; each stands for columns / MAP_CELLS neighbouring columns. */
const MAP_CELLS = 96;
/** Share of a cell's columns that belong to the top 10 %: none, some, ..., all. */
const MAP_SHADES = ['·', '░', '▒', '▓', '█'] as const;

/** The paper's three pictures as text for a terminal. */
export function inspectionText(result: InspectionResult, folder: string): string {
  const { inspection, outlierS, shown, unused } = result;
  const sections = [
    [heading(inspection, outlierS, folder), ...unusedLine(unused)].join('\n'),
    sortedRatios(shown, outlierS, inspection.sValues),
    topColumnMap(shown, outlierS),
    layerTable(inspection, outlierS),
  ];
  return `${sections.join('\n\n')}\n`;
}

function heading({ model, sValues, matrices }: ModelInspection, s: number, folder: string): string {
  const overall = sValues.map((each) => `${readablePercent(overallRatio(matrices, each))} at S = ${each}`);
  return [
    pc.bold(basename(resolve(folder))),
    `${model.family}, ${model.blocks} layers of ${MATRIX_KINDS.length} matrices, ${grouped(quantizedWeights(model))} weights in them`,
    `An outlier is a weight with |w| >= S x the mean |w| of its matrix; here S = ${s}.`,
    `Outlier ratio of all of them: ${overall.join(', ')}.`,
  ].join('\n');
}

/** Tensors that stand in the files for nothing: harmless (rotary tables of old exports), or a part that is not supported. */
export function unusedLine(unused: readonly string[]): string[] {
  const [first, ...others] = unused;
  if (first === undefined) return [];
  const rest = others.length === 0 ? '' : ` and ${grouped(others.length)} more`;
  return [`Not used: ${unused.length === 1 ? 'the tensor' : 'the tensors'} ${first}${rest}.`];
}

function sortedRatios(matrix: MatrixInspection, s: number, sValues: readonly number[]): string {
  const title = pc.bold(`1. Sorted outlier ratio of the columns: layer ${matrix.block}, ${matrix.kind}`);
  const level = levelAt(matrix, s);
  const about = `${matrix.name}, ${matrix.rows} rows x ${matrix.columns} columns, mean |w| ${matrix.meanMagnitude.toPrecision(3)}`;
  if (level.outliers === 0) return [title, about, noOutliers(matrix, s, sValues)].join('\n');
  const table = plainTable(['rank of the column', 'outlier ratio', ''], ['left', 'right', 'left']);
  const head = outliersAtRank(level.curve, 0);
  for (const percent of CURVE_PERCENTS) {
    const rank = percent === 0 ? 0 : topColumnCount(matrix.columns, percent) - 1;
    const outliers = outliersAtRank(level.curve, rank);
    const bar = pc.cyan('█'.repeat(Math.round((outliers / head) * BAR_CELLS)));
    const name = percent === 0 ? 'first' : `${rank + 1} (top ${percent} %)`;
    table.push([name, readablePercent(outliers / matrix.rows), bar]);
  }
  const shares = level.topShares.map((share) => readablePercent(share));
  return [
    title,
    about,
    table.toString(),
    `${level.columnsWithAny} of ${matrix.columns} columns have outliers. The top ${SHARE_PERCENTS.join(', ')} % of the columns hold ${shares.join(', ')} of the outliers.`,
  ].join('\n');
}

function noOutliers(matrix: MatrixInspection, s: number, sValues: readonly number[]): string {
  const lower = lowerSWithOutliers([matrix], sValues, s);
  const advice = lower === undefined ? '' : ` Try --outlier-s ${lower}.`;
  return `It has no outliers at S = ${s}: its largest |w| is ${largestS(matrix).toFixed(1)} x the mean.${advice}`;
}

/** The curve at any rank, along the straight line between the two points around it. */
export function outliersAtRank({ ranks, outliers }: OutlierCurve, rank: number): number {
  const after = ranks.findIndex((each) => each >= rank);
  const toRank = ranks[after] ?? 0;
  const fromRank = ranks[after - 1] ?? toRank;
  const to = outliers[after] ?? 0;
  const from = outliers[after - 1] ?? to;
  return toRank === fromRank ? to : from + ((to - from) * (rank - fromRank)) / (toRank - fromRank);
}

function topColumnMap(matrix: MatrixInspection, s: number): string {
  const { columns } = levelAt(matrix, s).top;
  const cells = Math.min(MAP_CELLS, matrix.columns);
  const ruler = `0${String(matrix.columns - 1).padStart(cells - 1)}`;
  return [
    pc.bold(
      `2. Where the top ${TOP_PERCENT} % of columns in Outlier Order are: layer ${matrix.block}, ${matrix.kind}`,
    ),
    mapLine(columns, matrix.columns, cells),
    ruler,
    `column, ${(matrix.columns / cells).toFixed(1)} a character; ${MAP_SHADES.join(' ')} = none to all of them. Ties in outlier ratio go to the larger max |w|.`,
  ].join('\n');
}

/** One shade a cell, by the share of the cell's columns that are among `top`. */
export function mapLine(top: readonly number[], columns: number, cells: number): string {
  const hits = new Array<number>(cells).fill(0);
  const widths = new Array<number>(cells).fill(0);
  const cellOf = (column: number): number => Math.floor((column * cells) / columns);
  for (let column = 0; column < columns; column++) widths[cellOf(column)] = (widths[cellOf(column)] ?? 0) + 1;
  for (const column of top) hits[cellOf(column)] = (hits[cellOf(column)] ?? 0) + 1;
  return hits
    .map(
      (count, cell) => MAP_SHADES[Math.ceil((count / (widths[cell] ?? 1)) * (MAP_SHADES.length - 1))] ?? '',
    )
    .join('');
}

function layerTable({ model, matrices }: ModelInspection, s: number): string {
  const table = plainTable(
    ['layer', ...MATRIX_KINDS, 'overall'],
    ['right', ...MATRIX_KINDS.map(() => 'right' as const), 'right'],
  );
  const largest = Math.max(...matrices.map((matrix) => levelAt(matrix, s).ratio));
  for (let block = 0; block < model.blocks; block++) {
    const ofBlock = matrices.filter((matrix) => matrix.block === block);
    const cells = ofBlock.map((matrix) => shaded(levelAt(matrix, s).ratio, largest));
    table.push([String(block), ...cells, pc.bold(readablePercent(overallRatio(ofBlock, s)))]);
  }
  const kinds = MATRIX_KINDS.map((kind) =>
    readablePercent(
      overallRatio(
        matrices.filter((matrix) => matrix.kind === kind),
        s,
      ),
    ),
  );
  table.push([
    'all',
    ...kinds.map((ratio) => pc.bold(ratio)),
    pc.bold(readablePercent(overallRatio(matrices, s))),
  ]);
  return [pc.bold(`3. Outlier ratio of every layer and matrix, S = ${s}`), table.toString()].join('\n');
}

/** The matrices with the most outliers stand out, those with none step back. */
function shaded(ratio: number, largest: number): string {
  const text = readablePercent(ratio);
  if (ratio === 0) return pc.dim(text);
  if (ratio >= largest / 2) return pc.red(text);
  return ratio >= largest / 10 ? pc.yellow(text) : text;
}

/** The picture of what two budgets give to the columns of all matrices, as a file. */
import type { MatrixChange } from '../../shared/compare-budgets.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import { csvText } from '../charts/csv-text.ts';
import { type DrawnCell, GRID_LEGEND, gridSvg } from '../charts/matrix-grid-svg.ts';
import { type SvgShape, textShape } from '../charts/svg-picture.ts';
import {
  cellDepth,
  cellLean,
  cellText,
  type ChangedPart,
  type DifferenceCell,
  farthestLean,
} from './difference-cells.ts';

/** Names of the two budgets, as they are read. */
export interface ComparedNames {
  readonly model: string;
  readonly a: string;
  readonly b: string;
}

const PART_TITLES: Readonly<Record<ChangedPart, string>> = {
  width: 'columns that are wider or narrower',
  reserved: 'columns with more or fewer reserved entries',
};

/** @param rows a row a block */
export function differenceSvg(
  rows: readonly (readonly DifferenceCell[])[],
  part: ChangedPart,
  { model, a, b }: ComparedNames,
  colours: ChartColours,
): string {
  const farthest = farthestLean(rows);
  const drawn = (cell: DifferenceCell): DrawnCell => {
    const isNone = cell.more + cell.less === 0;
    if (isNone) return { fill: colours.sunken, ink: colours.muted, text: cellText(cell) };
    return {
      fill: cellLean(cell) < 0 ? colours.worse : colours.better,
      opacity: cellDepth(cell, farthest),
      ink: colours.text,
      text: cellText(cell),
    };
  };
  return gridSvg(
    {
      title: `${model}: ${PART_TITLES[part]}`,
      legend: legendShapes(a, b, colours),
      rows: rows.map((cells, block) => ({ block, cells: cells.map(drawn) })),
    },
    colours,
  );
}

/** Side of a swatch, in pixels. */
const SWATCH = 10;

function legendShapes(a: string, b: string, colours: ChartColours): SvgShape[] {
  const { x, y } = GRID_LEGEND;
  const swatch = (at: number, fill: string): SvgShape => ({
    name: 'rect',
    attributes: { x: at, y: y + 26, width: SWATCH, height: SWATCH, fill },
  });
  const words = (at: number, line: number, text: string): SvgShape =>
    textShape(at, line, text, { colour: colours.text });
  return [
    words(x, y + 4, `A: ${a}`),
    words(x, y + 18, `B: ${b}`),
    swatch(x, colours.better),
    words(x + SWATCH + 6, y + 35, '+ columns with more in B'),
    swatch(x + 176, colours.worse),
    words(x + 176 + SWATCH + 6, y + 35, '\u2212 columns with less in B'),
  ];
}

/** A line a matrix, with both parts. */
export function differenceCsv(changes: readonly MatrixChange[]): string {
  return csvText(
    ['layer', 'matrix', 'columns', 'wider', 'narrower', 'more_reserved', 'fewer_reserved'],
    changes.map(({ block, kind, columns, wider, narrower, moreReserved, fewerReserved }) => [
      ...[block, kind, columns],
      ...[wider, narrower, moreReserved, fewerReserved],
    ]),
  );
}

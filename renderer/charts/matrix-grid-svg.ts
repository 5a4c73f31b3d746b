/** Pictures of all matrices as an SVG: cells with their figures, and what says how to read them. */
import { MATRIX_KINDS } from '../../shared/model.ts';
import type { ChartColours } from './chart-colours.ts';
import { type GridPicture, cellLook } from './matrix-grid.ts';
import { colourBarShapes, type SvgShape, svgDocument, svgText, textShape } from './svg-picture.ts';

const CELL = { width: 64, height: 20 } as const;
const LEFT = 56;
const RIGHT = 16;
/** Of the first row of cells. */
const TOP = 96;
const WIDTH = LEFT + MATRIX_KINDS.length * CELL.width + RIGHT;

/** Where the legend begins, and how wide it may be; it has place for a colour bar. */
export const GRID_LEGEND = { x: LEFT, y: 34, width: WIDTH - LEFT - RIGHT } as const;

/** A cell as it is drawn. */
export interface DrawnCell {
  readonly fill: string;
  /** Of the fill, over the surface. */
  readonly opacity?: number;
  readonly ink: string;
  readonly text: string;
}

export interface DrawnGrid {
  /** What the picture shows, with its model. */
  readonly title: string;
  readonly legend: readonly SvgShape[];
  readonly rows: readonly { readonly block: number; readonly cells: readonly DrawnCell[] }[];
}

/** The picture of one figure of all matrices. */
export function matrixGridSvg(picture: GridPicture, title: string, colours: ChartColours): string {
  const rows = picture.rows.map(({ block, cells }) => ({
    block,
    cells: cells.map((cell) => {
      const { fill, ink, text } = cellLook(cell, picture);
      return { fill: fill || colours.sunken, ink: ink || colours.muted, text };
    }),
  }));
  return gridSvg({ title, legend: legendShapes(picture, colours), rows }, colours);
}

/** A row a layer, a column a kind of matrix. */
export function gridSvg({ title, legend, rows }: DrawnGrid, colours: ChartColours): string {
  const height = TOP + rows.length * CELL.height + 12;
  const muted = { colour: colours.muted };
  const shapes = [
    textShape(16, 22, title, { size: 13, colour: colours.text }),
    ...legend,
    textShape(16, TOP - 6, 'Layer', muted),
    ...MATRIX_KINDS.map((kind, column) =>
      textShape(LEFT + (column + 0.5) * CELL.width, TOP - 6, kind, { ...muted, anchor: 'middle' }),
    ),
    ...rows.flatMap(({ block, cells }, index): SvgShape[] => {
      const y = TOP + index * CELL.height;
      return [
        textShape(LEFT - 8, y + 14, String(block), { ...muted, anchor: 'end' }),
        ...cells.flatMap((cell, column) => cellShapes(LEFT + column * CELL.width, y, cell)),
      ];
    }),
  ];
  return svgDocument({ width: WIDTH, height, title }, colours, svgText(shapes));
}

function cellShapes(x: number, y: number, { fill, opacity, ink, text }: DrawnCell): SvgShape[] {
  const size = { width: CELL.width - 1, height: CELL.height - 1 };
  const depth = opacity === undefined ? {} : { 'fill-opacity': opacity };
  return [
    { name: 'rect', attributes: { x, y, ...size, fill, ...depth } },
    textShape(x + CELL.width / 2, y + 14, text, { colour: ink, anchor: 'middle' }),
  ];
}

function legendShapes({ scale, quantity }: GridPicture, colours: ChartColours): SvgShape[] {
  if (scale === undefined) return [];
  const ticks = scale.ticks.map(({ value, fraction }) => ({ fraction, text: quantity.brief(value) }));
  const unit = `${quantity.unit}, ${scale.kind === 'log' ? 'logarithmic' : 'linear'} scale`;
  return colourBarShapes(GRID_LEGEND, ticks, unit, colours);
}

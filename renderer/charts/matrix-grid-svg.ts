/** The picture of all matrices as an SVG: cells with their figures, and the colour bar. */
import { MATRIX_KINDS } from '../../shared/model.ts';
import type { ChartColours } from './chart-colours.ts';
import { type GridPicture, cellLook } from './matrix-grid.ts';
import { colourBarShapes, type SvgShape, svgDocument, svgText, textShape } from './svg-picture.ts';

const CELL = { width: 64, height: 20 } as const;
const LEFT = 56;
const RIGHT = 16;
/** Of the colour bar and of the first row of cells. */
const BAR = 34;
const TOP = 96;
const WIDTH = LEFT + MATRIX_KINDS.length * CELL.width + RIGHT;

/** @param title what the picture shows, with its model */
export function matrixGridSvg(picture: GridPicture, title: string, colours: ChartColours): string {
  const height = TOP + picture.rows.length * CELL.height + 12;
  const muted = { colour: colours.muted };
  const shapes = [
    textShape(16, 22, title, { size: 13, colour: colours.text }),
    ...legendShapes(picture, colours),
    textShape(16, TOP - 6, 'Layer', muted),
    ...MATRIX_KINDS.map((kind, column) =>
      textShape(LEFT + (column + 0.5) * CELL.width, TOP - 6, kind, { ...muted, anchor: 'middle' }),
    ),
    ...picture.rows.flatMap(({ block, cells }, index): SvgShape[] => {
      const y = TOP + index * CELL.height;
      return [
        textShape(LEFT - 8, y + 14, String(block), { ...muted, anchor: 'end' }),
        ...cells.flatMap((cell, column) => cellShapes(LEFT + column * CELL.width, y, cell, picture, colours)),
      ];
    }),
  ];
  return svgDocument({ width: WIDTH, height, title }, colours, svgText(shapes));
}

function cellShapes(
  x: number,
  y: number,
  cell: Parameters<typeof cellLook>[0],
  picture: GridPicture,
  colours: ChartColours,
): SvgShape[] {
  const { fill, ink, text } = cellLook(cell, picture);
  const size = { width: CELL.width - 1, height: CELL.height - 1 };
  return [
    { name: 'rect', attributes: { x, y, ...size, fill: fill || colours.sunken } },
    textShape(x + CELL.width / 2, y + 14, text, { colour: ink || colours.muted, anchor: 'middle' }),
  ];
}

function legendShapes({ scale, quantity }: GridPicture, colours: ChartColours): SvgShape[] {
  if (scale === undefined) return [];
  const ticks = scale.ticks.map(({ value, fraction }) => ({ fraction, text: quantity.brief(value) }));
  const unit = `${quantity.unit}, ${scale.kind === 'log' ? 'logarithmic' : 'linear'} scale`;
  return colourBarShapes({ x: LEFT, y: BAR, width: WIDTH - LEFT - RIGHT }, ticks, unit, colours);
}

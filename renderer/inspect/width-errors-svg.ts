/** What each width leaves of a column as error, as a file: bars on a logarithmic axis, since each bit divides the error by 4. */
import type { ColumnView } from '../../shared/statistics.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import { figures } from '../charts/matrix-quantities.ts';
import { type SvgShape, svgDocument, svgText, textShape } from '../charts/svg-picture.ts';

const WIDTH = 480;
const LEFT = 56;
const RIGHT = 96;
const TOP = 44;
const ROW = 24;

/**
 * @param energy sum of squares of the column's weights: no width errs more
 * @param title of the picture: which column
 */
export function widthErrorsSvg(
  codebooks: ColumnView['codebooks'],
  energy: number,
  title: string,
  colours: ChartColours,
): string {
  const errors = codebooks.map(({ squaredError }) => squaredError).filter((error) => error > 0);
  // Whole powers of ten around the errors; of a column of zeros there is none.
  const first = errors.length === 0 ? 0 : Math.floor(Math.log10(Math.min(...errors)));
  const decades = errors.length === 0 ? 1 : Math.max(1, Math.ceil(Math.log10(energy)) - first);
  const share = (error: number): number =>
    error <= 0 ? 0 : Math.min(1, (Math.log10(error) - first) / decades);
  const room = WIDTH - LEFT - RIGHT;
  const bottom = TOP + codebooks.length * ROW;
  const shapes: SvgShape[] = [
    textShape(LEFT, 16, title, { size: 13, colour: colours.text }),
    textShape(LEFT, 32, 'Squared error by width, logarithmic', { colour: colours.muted }),
    ...Array.from({ length: decades + 1 }, (_, decade): SvgShape[] => {
      const x = LEFT + (room * decade) / decades;
      return [
        {
          name: 'line',
          attributes: { x1: x, x2: x, y1: TOP, y2: bottom, stroke: colours.line, 'stroke-width': 1 },
        },
        textShape(x, bottom + 14, figures(10 ** (first + decade)), {
          anchor: 'middle',
          colour: colours.muted,
        }),
      ];
    }).flat(),
    ...codebooks.flatMap(({ width, squaredError }, row): SvgShape[] => {
      const y = TOP + row * ROW;
      const length = room * share(squaredError);
      return [
        textShape(LEFT - 8, y + 16, `${width} ${width === 1 ? 'bit' : 'bits'}`, {
          anchor: 'end',
          colour: colours.text,
        }),
        {
          name: 'rect',
          attributes: { x: LEFT, y: y + 5, width: length, height: ROW - 10, fill: colours.accent },
        },
        textShape(LEFT + length + 6, y + 16, figures(squaredError), { colour: colours.text }),
      ];
    }),
  ];
  return svgDocument({ width: WIDTH, height: bottom + 24, title }, colours, svgText(shapes));
}

/** SVG as text: enough for pictures with axes that are drawn without a chart library. */
import { VIRIDIS_COLOURS } from '../design/viridis.ts';
import type { ChartColours } from './chart-colours.ts';

/** A file is read where our font is not at hand. */
export const FILE_FONT = "'Inter Variable', Inter, system-ui, sans-serif";

/** An element with its attributes and its text, of which a component or a file is made. */
export interface SvgShape {
  readonly name: 'line' | 'rect' | 'text';
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly text?: string;
}

export interface TextLook {
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly size?: number;
  readonly colour: string;
}

/** @param x of the anchor, @param y of the baseline, in pixels */
export function textShape(
  x: number,
  y: number,
  text: string,
  { anchor = 'start', size = 11, colour }: TextLook,
): SvgShape {
  return { name: 'text', attributes: { x, y, 'font-size': size, 'text-anchor': anchor, fill: colour }, text };
}

export function svgText(shapes: readonly SvgShape[]): string {
  return shapes.map(({ name, attributes, text = '' }) => element(name, attributes, escaped(text))).join('');
}

/** @param content already escaped */
export function element(name: string, attributes: SvgShape['attributes'], content = ''): string {
  const text = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
    .join('');
  return content === '' ? `<${name}${text}/>` : `<${name}${text}>${content}</${name}>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

export interface ColourTick {
  /** Place on the bar, 0..1. */
  readonly fraction: number;
  readonly text: string;
}

/** Height of a colour bar with its ticks and its unit, in pixels. */
export const COLOUR_BAR_HEIGHT = 36;

/** The colour scale with its ticks, and what it measures. */
export function colourBarShapes(
  { x, y, width }: { readonly x: number; readonly y: number; readonly width: number },
  ticks: readonly ColourTick[],
  unit: string,
  colours: Pick<ChartColours, 'text' | 'muted'>,
): SvgShape[] {
  const step = width / VIRIDIS_COLOURS.length;
  return [
    ...VIRIDIS_COLOURS.map((fill, at): SvgShape => {
      // A little over its end, so that no seams are seen.
      return { name: 'rect', attributes: { x: x + at * step, y, width: step + 0.5, height: 8, fill } };
    }),
    ...ticks.map(({ fraction, text }) => {
      const anchor = fraction < 0.04 ? 'start' : fraction > 0.96 ? 'end' : 'middle';
      return textShape(x + fraction * width, y + 20, text, { anchor, colour: colours.text });
    }),
    textShape(x, y + 34, unit, { colour: colours.muted }),
  ];
}

/** The whole file. Sizes in pixels. */
export function svgDocument(
  { width, height, title }: { readonly width: number; readonly height: number; readonly title: string },
  { surface }: Pick<ChartColours, 'surface'>,
  content: string,
): string {
  return element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      'font-family': FILE_FONT,
    },
    `<title>${escaped(title)}</title>${element('rect', { width, height, fill: surface })}${content}`,
  );
}

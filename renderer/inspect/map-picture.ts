/** A matrix as a map: stripes where columns come first in Outlier Order, or each entry in its colour. */
import type { MatrixShape } from '../../shared/model.ts';
import type { ChartColours } from '../charts/chart-colours.ts';
import { roundTicks } from '../charts/round-ticks.ts';
import {
  colourBarShapes,
  COLOUR_BAR_HEIGHT,
  type ColourTick,
  element,
  type SvgShape,
  svgDocument,
  svgText,
  textShape,
} from '../charts/svg-picture.ts';
import { VIRIDIS_COLOURS } from '../design/viridis.ts';
import type { CellRange, MapWindow } from './map-window.ts';

/** Entries of a part of the matrix: |w| / mean |W|. */
export interface ShownEntries extends CellRange {
  readonly values: Float32Array;
}

export interface MapPicture {
  readonly shape: MatrixShape;
  readonly window: MapWindow;
  /** Chosen columns before each place. */
  readonly before: Uint32Array;
  /** Undefined where columns alone are shown. */
  readonly entries: ShownEntries | undefined;
  /** The light end of the entries' colours: from S times the mean on they are outliers. */
  readonly s: number;
}

/** An entry, by its place in the matrix. */
export interface MapCell {
  readonly row: number;
  readonly column: number;
}

/** Of the whole picture, in pixels of the page. */
export interface MapSize {
  readonly width: number;
  readonly height: number;
}

/** Room for the axes; above the plot lie the chosen columns' marks. */
export const MARGIN = { left: 60, right: 12, top: 10, bottom: 42 } as const;
const MARKS = 6;

export function plotSize({ width, height }: MapSize): MapSize {
  return {
    width: Math.max(1, width - MARGIN.left - MARGIN.right),
    height: Math.max(1, height - MARGIN.top - MARGIN.bottom),
  };
}

/** The cell under a place of the picture; undefined beside the plot. */
export function cellAtPlace(
  place: { readonly x: number; readonly y: number },
  size: MapSize,
  { shape, window }: Pick<MapPicture, 'shape' | 'window'>,
): MapCell | undefined {
  const plot = plotSize(size);
  const x = (place.x - MARGIN.left) / plot.width;
  const y = (place.y - MARGIN.top) / plot.height;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return undefined;
  return {
    row: Math.min(shape.rows - 1, Math.floor(window.y + y * window.height)),
    column: Math.min(shape.columns - 1, Math.floor(window.x + x * window.width)),
  };
}

/** Side of the frame around a cell that is too small to be framed, in pixels. */
const LEAST_FRAME = 5;

/** The frame around a cell of the picture, in pixels. */
export function cellFrame(
  { row, column }: MapCell,
  window: MapWindow,
  size: MapSize,
): { readonly x: number; readonly y: number; readonly width: number; readonly height: number } {
  const plot = plotSize(size);
  const across = plot.width / window.width;
  const down = plot.height / window.height;
  const [width, height] = [Math.max(across, LEAST_FRAME), Math.max(down, LEAST_FRAME)];
  const x = MARGIN.left + (column + 0.5 - window.x) * across;
  const y = MARGIN.top + (row + 0.5 - window.y) * down;
  return { x: x - width / 2, y: y - height / 2, width, height };
}

const RED_GREEN_BLUE = Uint8Array.from(
  VIRIDIS_COLOURS.flatMap((colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))),
);

/** The entries as an image of a pixel each, opaque. */
export function entryPixels(values: Float32Array, s: number): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(4 * values.length);
  const last = VIRIDIS_COLOURS.length - 1;
  for (let at = 0; at < values.length; at++) {
    const colour = 3 * Math.round(Math.min(1, (values[at] ?? 0) / s) * last);
    pixels[4 * at] = RED_GREEN_BLUE[colour] ?? 0;
    pixels[4 * at + 1] = RED_GREEN_BLUE[colour + 1] ?? 0;
    pixels[4 * at + 2] = RED_GREEN_BLUE[colour + 2] ?? 0;
    pixels[4 * at + 3] = 255;
  }
  return pixels;
}

interface Tick {
  readonly at: number;
  readonly text: string;
}

function ticks(from: number, length: number, pixels: number, apart: number): Tick[] {
  return roundTicks(from, from + length, Math.max(2, Math.floor(pixels / apart))).map((value) => ({
    at: ((value - from) / length) * pixels,
    text: value.toLocaleString('en'),
  }));
}

/**
 * Everything around the plot, the same on the screen and in a file: axes with their names, and marks over the chosen columns
 * where entries are shown.
 */
export function frameShapes(picture: MapPicture, size: MapSize, colours: ChartColours): SvgShape[] {
  const { window } = picture;
  const plot = plotSize(size);
  const bottom = MARGIN.top + plot.height;
  const middle = MARGIN.top + plot.height / 2;
  const muted = { colour: colours.muted };
  const line = (x1: number, y1: number, x2: number, y2: number): SvgShape => ({
    name: 'line',
    attributes: { x1, y1, x2, y2, stroke: colours.line },
  });
  const rowName = textShape(12, middle, 'Row (output channel)', { ...muted, anchor: 'middle' });
  return [
    ...ticks(window.x, window.width, plot.width, 80).flatMap(({ at, text }) => [
      line(MARGIN.left + at, bottom, MARGIN.left + at, bottom + 4),
      textShape(MARGIN.left + at, bottom + 16, text, { ...muted, anchor: 'middle' }),
    ]),
    ...ticks(window.y, window.height, plot.height, 48).flatMap(({ at, text }) => [
      line(MARGIN.left - 4, MARGIN.top + at, MARGIN.left, MARGIN.top + at),
      textShape(MARGIN.left - 7, MARGIN.top + at + 4, text, { ...muted, anchor: 'end' }),
    ]),
    textShape(MARGIN.left + plot.width / 2, size.height - 8, 'Column (input channel)', {
      ...muted,
      anchor: 'middle',
    }),
    { ...rowName, attributes: { ...rowName.attributes, transform: `rotate(-90 12 ${middle})` } },
    ...(picture.entries === undefined ? [] : columnMarks(picture, plot.width, colours)),
  ];
}

function columnMarks({ window, before }: MapPicture, width: number, colours: ChartColours): SvgShape[] {
  const each = width / window.width;
  const marks: SvgShape[] = [];
  for (let column = Math.floor(window.x); column < window.x + window.width; column++) {
    if (before[column] === before[column + 1]) continue;
    const from = Math.max(0, (column - window.x) * each);
    const to = Math.min(width, (column + 1 - window.x) * each);
    const place = { x: MARGIN.left + from, y: MARGIN.top - MARKS - 1, width: Math.max(0, to - from - 0.5) };
    marks.push({ name: 'rect', attributes: { ...place, height: MARKS, fill: colours.text } });
  }
  return marks;
}

/** What the colours of entries mean. */
export function entryTicks(s: number): ColourTick[] {
  return [
    { fraction: 0, text: '0' },
    { fraction: 0.5, text: String(s / 2) },
    { fraction: 1, text: `${s} and more: an outlier` },
  ];
}

export const ENTRY_UNIT = '|w| / mean |W|, linear scale';

/** @param image address of the painted plot */
export function mapSvg(
  picture: MapPicture,
  size: MapSize,
  image: string,
  title: string,
  colours: ChartColours,
): string {
  const place = { x: MARGIN.left, y: MARGIN.top, ...plotSize(size) };
  const content = [
    element('image', { ...place, href: image, preserveAspectRatio: 'none' }),
    svgText(frameShapes(picture, size, colours)),
  ].join('');
  if (picture.entries === undefined) return svgDocument({ ...size, title }, colours, content);
  const bar = { x: MARGIN.left, y: size.height + 8, width: place.width };
  const legend = svgText(colourBarShapes(bar, entryTicks(picture.s), ENTRY_UNIT, colours));
  const height = size.height + COLOUR_BAR_HEIGHT + 16;
  return svgDocument({ width: size.width, height, title }, colours, content + legend);
}

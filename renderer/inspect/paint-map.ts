import type { ChartColours } from '../charts/chart-colours.ts';
import { entryPixels, type MapPicture, type ShownEntries } from './map-picture.ts';
import { stripeShades } from './stripes.ts';

/** Fills the plot's part of a canvas, whose size is the plot's in device pixels. */
export function paintPlot(
  context: CanvasRenderingContext2D,
  picture: MapPicture,
  colours: ChartColours,
): void {
  const { width, height } = context.canvas;
  context.fillStyle = colours.sunken;
  context.fillRect(0, 0, width, height);
  if (picture.entries === undefined) paintStripes(context, picture, height, colours);
  else paintEntries(context, picture, picture.entries);
}

function paintStripes(
  context: CanvasRenderingContext2D,
  { before, window }: MapPicture,
  height: number,
  colours: ChartColours,
): void {
  const { width } = context.canvas;
  context.fillStyle = colours.text;
  const shades = stripeShades(before, window.x, window.width, width);
  // Where a pixel covers several columns, the fullest one is as dark as can be.
  const darkest = shades.reduce((most, shade) => Math.max(most, shade), 0);
  for (const [pixel, shade] of shades.entries()) {
    if (shade <= 0) continue;
    context.globalAlpha = shade / darkest;
    context.fillRect(pixel, 0, 1, height);
  }
  context.globalAlpha = 1;
}

function paintEntries(
  context: CanvasRenderingContext2D,
  { window, s }: MapPicture,
  { rows, columns, values }: ShownEntries,
): void {
  const width = columns[1] - columns[0];
  const height = rows[1] - rows[0];
  const tile = new OffscreenCanvas(width, height);
  tile.getContext('2d')?.putImageData(new ImageData(entryPixels(values, s), width, height), 0, 0);
  const across = context.canvas.width / window.width;
  const down = context.canvas.height / window.height;
  context.imageSmoothingEnabled = false;
  context.drawImage(
    tile,
    (columns[0] - window.x) * across,
    (rows[0] - window.y) * down,
    width * across,
    height * down,
  );
}

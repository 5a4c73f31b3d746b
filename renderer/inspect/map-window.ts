/** The part of a matrix that a map shows, and how zooming and moving change it. Units are columns (x) and rows (y). */
import type { MatrixShape } from '../../shared/model.ts';
import { MAX_ENTRY_CELLS } from '../../shared/statistics.ts';

export interface MapWindow {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** [from, to) */
export type Range = readonly [from: number, to: number];

export interface CellRange {
  readonly rows: Range;
  readonly columns: Range;
}

/** Fewer cells than this in a direction are a magnifying glass without a picture. */
const LEAST_CELLS = 8;

/** Entries are told apart from this size on, in pixels. */
export const ENTRY_PIXELS = 4;

export function wholeMatrix({ rows, columns }: MatrixShape): MapWindow {
  return { x: 0, y: 0, width: columns, height: rows };
}

export function isWhole({ width, height }: MapWindow, { rows, columns }: MatrixShape): boolean {
  return width >= columns && height >= rows;
}

/**
 * @param factor below 1 shows less, larger
 * @param at what stays where it is
 */
export function zoomed(
  window: MapWindow,
  shape: MatrixShape,
  factor: number,
  at: { readonly x: number; readonly y: number },
): MapWindow {
  const [x, width] = zoomedAxis(window.x, window.width, shape.columns, factor, at.x);
  const [y, height] = zoomedAxis(window.y, window.height, shape.rows, factor, at.y);
  return { x, y, width, height };
}

function zoomedAxis(from: number, length: number, all: number, factor: number, at: number): [number, number] {
  const next = Math.min(all, Math.max(Math.min(LEAST_CELLS, all), length * factor));
  const start = at - (at - from) * (next / length);
  return [within(start, next, all), next];
}

/** @param by how far, in columns and rows */
export function moved(
  window: MapWindow,
  shape: MatrixShape,
  by: { readonly x: number; readonly y: number },
): MapWindow {
  const { width, height } = window;
  const x = within(window.x + by.x, width, shape.columns);
  const y = within(window.y + by.y, height, shape.rows);
  return { x, y, width, height };
}

/** As little as it takes to have the cell in sight. */
export function showing(
  window: MapWindow,
  shape: MatrixShape,
  cell: { readonly row: number; readonly column: number },
): MapWindow {
  const by = {
    x: intoSight(cell.column, window.x, window.width),
    y: intoSight(cell.row, window.y, window.height),
  };
  return moved(window, shape, by);
}

function intoSight(cell: number, from: number, length: number): number {
  if (cell < from) return cell - from;
  return Math.max(0, cell + 1 - from - length);
}

function within(start: number, length: number, all: number): number {
  return Math.min(all - length, Math.max(0, start));
}

/** The cells of which something is in sight. */
export function cellsInSight({ x, y, width, height }: MapWindow, { rows, columns }: MatrixShape): CellRange {
  return {
    rows: [Math.max(0, Math.floor(y)), Math.min(rows, Math.ceil(y + height))],
    columns: [Math.max(0, Math.floor(x)), Math.min(columns, Math.ceil(x + width))],
  };
}

/** Whether each entry is drawn by itself: near enough, and not the whole of the matrix. */
export function showsEntries(
  window: MapWindow,
  shape: MatrixShape,
  pixels: { readonly width: number; readonly height: number },
): boolean {
  const size = Math.min(pixels.width / window.width, pixels.height / window.height);
  return !isWhole(window, shape) && size >= ENTRY_PIXELS;
}

/** Entries are fetched by tiles of this size, so that a small move needs none anew. */
const TILE = 32;

/** What to fetch for the cells in sight: whole tiles, MAX_ENTRY_CELLS in a direction at most. */
export function entriesToFetch({ rows, columns }: CellRange, shape: MatrixShape): CellRange {
  return { rows: tiles(rows, shape.rows), columns: tiles(columns, shape.columns) };
}

function tiles([from, to]: Range, all: number): Range {
  const start = Math.floor(from / TILE) * TILE;
  const end = Math.min(all, Math.ceil(to / TILE) * TILE);
  return [start, Math.min(end, start + MAX_ENTRY_CELLS)];
}

/**
 * Decodes a quantized matrix a band of rows at a time, top to bottom: nothing of it ever stands decoded whole, and whoever takes a
 * band finds it in the cache.
 */
import { ReusedMemory } from '../checkpoint/reused-memory.ts';
import type { Levels, QuantizedMatrix } from '../claq/quantized-matrix.ts';

/** Rows [from, to), row-major. Its memory is used again for the next band. */
export interface RowBand<T> {
  readonly from: number;
  readonly to: number;
  readonly values: T;
}

export type CodebookLevels = Extract<Levels, { kind: 'codebook' }>;
type GridLevels = Extract<Levels, { kind: 'grid' }>;
type Values = Uint16Array<ArrayBuffer> | Float32Array<ArrayBuffer>;

/** Of a band, where a few rows are no more: large enough that reading or writing one costs no more than its bytes. */
const BAND_BYTES = 2 ** 20;

/** Rows that are filled in together. The lines of more of them push each other out of the first cache. */
const TILE_ROWS = 32;

/** Columns of a tile that is filled in row by row: a cache line of floats. */
const LINE = 16;

/** Memory of bands that no matrix is being decoded into. */
const spare: ReusedMemory[] = [];

/** Fills rows [top, bottom) of the matrix into a band that begins with row `from`. */
type FillTile = (top: number, bottom: number, from: number) => void;

/** The weights that the codes stand for: what `dequantize` gives, in bands. */
export function* weightBands(matrix: QuantizedMatrix): Generator<RowBand<Float32Array<ArrayBuffer>>> {
  const { columns, levels } = matrix;
  const height = bandHeight(matrix, Float32Array.BYTES_PER_ELEMENT);
  const memory = spare.pop() ?? new ReusedMemory();
  const { buffer } = memory.take(4 * height * columns);
  const band = new Float32Array(buffer, 0, height * columns);
  try {
    const fill = fillFloats(matrix, levels, band);
    const reserve = placeReserved(matrix, matrix.reservedValues, band);
    for (const { from, to } of filled(matrix, height, fill)) {
      reserve(from, to);
      yield { from, to, values: band.subarray(0, (to - from) * columns) };
    }
  } finally {
    spare.push(memory);
  }
}

/**
 * Of a matrix of codebooks without row scales: a number of 16 bits for each weight.
 * @param bits of each centroid and of each reserved entry, in the matrix's order
 */
export function* halfBands(
  matrix: QuantizedMatrix,
  levels: CodebookLevels,
  bits: { readonly centroids: Uint16Array<ArrayBuffer>; readonly reserved: Uint16Array<ArrayBuffer> },
): Generator<RowBand<Uint16Array<ArrayBuffer>>> {
  const { columns } = matrix;
  const height = bandHeight(matrix, Uint16Array.BYTES_PER_ELEMENT);
  const memory = spare.pop() ?? new ReusedMemory();
  const { buffer } = memory.take(4 * height * columns);
  const band = new Uint16Array(buffer, 0, height * columns);
  try {
    const fill =
      columns % 4 === 0
        ? fillFourColumns(matrix, levels, bits.centroids, band)
        : fillColumns(matrix, levels, bits.centroids, band);
    const reserve = placeReserved(matrix, bits.reserved, band);
    for (const { from, to } of filled(matrix, height, fill)) {
      reserve(from, to);
      yield { from, to, values: band.subarray(0, (to - from) * columns) };
    }
  } finally {
    spare.push(memory);
  }
}

/** Whole tiles, at least one. */
function bandHeight({ rows, columns }: QuantizedMatrix, bytesPerWeight: number): number {
  const tiles = Math.max(1, Math.floor(BAND_BYTES / (columns * bytesPerWeight * TILE_ROWS)));
  return Math.min(rows, tiles * TILE_ROWS);
}

function* filled(
  { rows }: QuantizedMatrix,
  height: number,
  fill: FillTile,
): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = 0; from < rows; from += height) {
    const to = Math.min(rows, from + height);
    for (let top = from; top < to; top += TILE_ROWS) fill(top, Math.min(to, top + TILE_ROWS), from);
    yield { from, to };
  }
}

function fillFloats(matrix: QuantizedMatrix, levels: Levels, band: Float32Array<ArrayBuffer>): FillTile {
  if (levels.kind === 'grid') return fillGrid(matrix, levels, band);
  const { rowScales, centroids } = levels;
  return rowScales === undefined
    ? fillColumns(matrix, levels, centroids, band)
    : fillScaled(matrix, levels, rowScales, band);
}

/** @param table what stands for each centroid */
function fillColumns(
  { rows, columns, codes }: QuantizedMatrix,
  { start }: CodebookLevels,
  table: Uint16Array | Float32Array,
  band: Values,
): FillTile {
  return (top, bottom, from) => {
    for (let column = 0; column < columns; column++) {
      const codebook = start[column] ?? 0;
      const last = column * rows + bottom;
      let at = (top - from) * columns + column;
      for (let i = column * rows + top; i < last; i++) {
        band[at] = table[codebook + (codes[i] ?? 0)] ?? 0;
        at += columns;
      }
    }
  };
}

/** fillColumns where columns come in fours: two stores of 32 bits instead of four of 16, twice as fast. */
function fillFourColumns(
  { rows, columns, codes }: QuantizedMatrix,
  { start }: CodebookLevels,
  table: Uint16Array,
  band: Uint16Array<ArrayBuffer>,
): FillTile {
  const pairs = new Uint32Array(band.buffer, 0, band.length / 2);
  const rowPairs = columns / 2;
  return (top, bottom, from) => {
    for (let column = 0; column < columns; column += 4) {
      const [a, b, c, d] = [
        start[column] ?? 0,
        start[column + 1] ?? 0,
        start[column + 2] ?? 0,
        start[column + 3] ?? 0,
      ];
      const last = column * rows + bottom;
      let at = (top - from) * rowPairs + column / 2;
      for (let i = column * rows + top; i < last; i++) {
        pairs[at] = (table[a + (codes[i] ?? 0)] ?? 0) | ((table[b + (codes[i + rows] ?? 0)] ?? 0) << 16);
        pairs[at + 1] =
          (table[c + (codes[i + 2 * rows] ?? 0)] ?? 0) | ((table[d + (codes[i + 3 * rows] ?? 0)] ?? 0) << 16);
        at += rowPairs;
      }
    }
  };
}

function fillScaled(
  { rows, columns, codes }: QuantizedMatrix,
  { start, centroids }: CodebookLevels,
  rowScales: Float32Array,
  band: Float32Array,
): FillTile {
  return (top, bottom, from) => {
    for (let first = 0; first < columns; first += LINE) {
      const end = Math.min(first + LINE, columns);
      for (let row = top; row < bottom; row++) {
        const scale = rowScales[row] ?? 1;
        const line = (row - from) * columns;
        for (let column = first; column < end; column++) {
          const centroid = centroids[(start[column] ?? 0) + (codes[column * rows + row] ?? 0)] ?? 0;
          band[line + column] = scale * centroid;
        }
      }
    }
  };
}

function fillGrid(
  { rows, columns, codes }: QuantizedMatrix,
  { groupSize, scales, zeros }: GridLevels,
  band: Float32Array,
): FillTile {
  return (top, bottom, from) => {
    for (let first = 0; first < columns; first += LINE) {
      const end = Math.min(first + LINE, columns);
      for (let row = top; row < bottom; row++) {
        const line = (row - from) * columns;
        for (let column = first; column < end; column++) {
          const cell = Math.floor(column / groupSize) * rows + row;
          const level = (codes[column * rows + row] ?? 0) - (zeros[cell] ?? 0);
          band[line + column] = (scales[cell] ?? 0) * level;
        }
      }
    }
  };
}

/** Puts the reserved entries of rows [from, to) in their places; asked for ascending bands. */
function placeReserved(
  { columns, reservedStart, reservedRows }: QuantizedMatrix,
  table: Uint16Array | Float32Array,
  band: Values,
): (from: number, to: number) => void {
  /** Of each column, the first entry that is not in its place yet. */
  const next = reservedStart.slice(0, columns);
  return (from, to) => {
    for (let column = 0; column < columns; column++) {
      const end = reservedStart[column + 1] ?? 0;
      let i = next[column] ?? 0;
      for (; i < end && (reservedRows[i] ?? 0) < to; i++) {
        band[((reservedRows[i] ?? 0) - from) * columns + column] = table[i] ?? 0;
      }
      next[column] = i;
    }
  };
}

/** One matrix in the kernels' memory while the column loop is at it. */
import type { Arena } from '../kernels/arena.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import type { FactoredColumns } from './factored-columns.ts';
import type { ColumnLoopOptions, LoopInput } from './loop-input.ts';
import type { Levels, QuantizedMatrix } from './quantized-matrix.ts';
import { byteCentroids } from './byte-codebooks.ts';
import { scaledRowWeights } from './row-sensitivity.ts';
import type { UniformGrid } from './uniform-grid.ts';

// The kernels' flags (assembly/column-loop.ts).
const FIT_ALL = 1;
const SCIKIT = 2;
const GRID = 4;
const NO_COMPENSATION = 8;
const WORST_RESERVED = 16;
const REFINE = 32;

/** Where one matrix stands in the arena while it is quantized. */
export interface LoopJob {
  readonly input: LoopInput;
  readonly columns: number;
  readonly original: number;
  readonly error: number;
  readonly codes: number;
  /** By position of processing: first centroid and first reserved entry, and their ends. */
  readonly codebookStart: Int32Array;
  readonly codebooks: number;
  readonly reservedStart: Int32Array;
  readonly reservedRows: number;
  readonly reservedValues: number;
  readonly losses: number;
  /** Width and reserved entries a tail of each position. */
  readonly widths: number;
  readonly low: number;
  readonly high: number;
  readonly codebookStarts: number;
  readonly reservedStarts: number;
  readonly flags: number;
  readonly seed: number;
  readonly grid: GridArrays | undefined;
  /** Pointers to the padded rows' scales and what their squared errors weigh; 0 where they are 1. */
  readonly rowScales: number;
  readonly rowWeights: number;
  /** Centroids of the largest codebook that is in bytes; 0 for none. */
  readonly byteCentroids: number;
}

/** Scale and zero point of each group and padded row, and the group of each position. */
interface GridArrays {
  readonly scales: number;
  readonly zeros: number;
  readonly groups: number;
}

/** values[order[0]], values[order[1]], ... */
function byPosition(values: Uint8Array | Int32Array, order: Int32Array): number[] {
  return Array.from(order, (column) => values[column] ?? 0);
}

function runningSum(counts: readonly number[]): Int32Array {
  const sums = new Int32Array(counts.length + 1);
  for (const [i, count] of counts.entries()) sums[i + 1] = (sums[i] ?? 0) + count;
  return sums;
}

/** Lays out room for the results in the arena; the caller's mark owns it. */
export function layOut(
  arena: Arena,
  factor: FactoredColumns,
  input: LoopInput,
  options: ColumnLoopOptions,
): LoopJob {
  const { rows, plan, grid } = input;
  const { columns, order, paddedColumns } = factor;
  const paddedRows = roundUp(rows, STRIP);
  const widths = byPosition(plan.widths, order);
  const low = byPosition(plan.reservedLow, order);
  const high = byPosition(plan.reservedHigh, order);
  const codebookStart = runningSum(widths.map((width) => (grid === undefined ? 2 ** width : 0)));
  const reservedStart = runningSum(low.map((count, position) => count + (high[position] ?? 0)));
  const floats = paddedRows * paddedColumns;
  const reserved = reservedStart[columns] ?? 0;
  const original = arena.allocate(floats * 4);
  const error = arena.allocate(floats * 4);
  const codes = arena.allocate(paddedRows * columns);
  const codebooks = arena.allocate((codebookStart[columns] ?? 0) * 4);
  const reservedRows = arena.allocate(reserved * 4);
  const reservedValues = arena.allocate(reserved * 4);
  const losses = arena.allocate(columns * 8);
  const flags =
    (options.codebookFit === 'all' ? FIT_ALL : 0) |
    (options.clustering === 'scikit' ? SCIKIT : 0) |
    (grid === undefined ? 0 : GRID) |
    (options.compensate ? 0 : NO_COMPENSATION) |
    (options.reserve === 'worst' ? WORST_RESERVED : 0);
  const weights = scaledRowWeights(input.rowScales, input.rowWeights);
  const padded = (values: Float32Array | undefined): number =>
    values === undefined ? 0 : arena.copyFloats(withOnes(values, paddedRows));
  return {
    input,
    columns,
    original,
    error,
    codes,
    codebookStart,
    codebooks,
    reservedStart,
    reservedRows,
    reservedValues,
    losses,
    widths: arena.copyBytes(widths),
    low: arena.copyInts(low),
    high: arena.copyInts(high),
    codebookStarts: arena.copyInts(codebookStart),
    reservedStarts: arena.copyInts(reservedStart),
    flags,
    seed: options.seed,
    grid: grid === undefined ? undefined : layOutGrid(arena, grid, rows, order),
    rowScales: padded(input.rowScales),
    rowWeights: padded(weights),
    byteCentroids: input.byteCodebooks === true ? byteCentroids(rows) : 0,
  };
}

/** Ones for the rows that are padding. */
function withOnes(values: Float32Array, length: number): Float32Array {
  const all = new Float32Array(length).fill(1);
  all.set(values);
  return all;
}

/** The same, its codebooks to be refined instead of fitted anew. */
export function refined(job: LoopJob): LoopJob {
  return { ...job, flags: job.flags | REFINE };
}

/** What the kernels read of a factor: U and D of some blocks of columns, one behind the other. */
export interface FactorPart {
  /** The first of the blocks. */
  readonly first: number;
  /** Pointer to U within these blocks, in panels. */
  readonly panels: number;
  /** Width of U there. */
  readonly paddedColumns: number;
  /** Pointer to D, float64, of these blocks. */
  readonly d: number;
}

/**
 * The kernel's arguments (the same list stands in assembly/column-loop.ts) for the columns of a part, as if the matrix
 * consisted of them. Only updates among the blocks that are then asked for happen.
 */
export function kernelArguments(arena: Arena, part: FactorPart, job: LoopJob): number {
  const { rows } = job.input;
  const paddedRows = roundUp(rows, STRIP);
  const skipped = part.first * BLOCK;
  return arena.words([
    job.original + 4 * skipped * paddedRows,
    job.error + 4 * skipped * paddedRows,
    part.panels,
    part.d,
    rows,
    job.columns - skipped,
    part.paddedColumns,
    job.widths + skipped,
    job.low + 4 * skipped,
    job.high + 4 * skipped,
    job.codes + skipped * paddedRows,
    job.codebookStarts + 4 * skipped,
    job.codebooks,
    job.reservedStarts + 4 * skipped,
    job.reservedRows,
    job.reservedValues,
    job.losses + 8 * skipped,
    job.flags,
    job.seed,
    ...(job.grid === undefined
      ? [0, 0, 0]
      : [job.grid.scales, job.grid.zeros, job.grid.groups + 4 * skipped]),
    job.rowScales,
    job.rowWeights,
    job.byteCentroids,
  ]);
}

/** Rows that are padding have scale 1. */
function layOutGrid(arena: Arena, grid: UniformGrid, rows: number, order: Int32Array): GridArrays {
  const paddedRows = roundUp(rows, STRIP);
  const padded = (values: Float32Array): Float32Array => {
    const all = new Float32Array(grid.groups * paddedRows).fill(1);
    for (let group = 0; group < grid.groups; group++) {
      all.set(values.subarray(group * rows, (group + 1) * rows), group * paddedRows);
    }
    return all;
  };
  return {
    scales: arena.copyFloats(padded(grid.scales)),
    zeros: arena.copyFloats(padded(grid.zeros)),
    groups: arena.copyInts(Array.from(order, (column) => Math.floor(column / grid.groupSize))),
  };
}

/** Brings a matrix out of the arena, columns back in their own order. */
export function collect(arena: Arena, factor: FactoredColumns, job: LoopJob): QuantizedMatrix {
  const { input, codebookStart, reservedStart } = job;
  const { rows, plan, grid } = input;
  const { columns, order } = factor;
  const paddedRows = roundUp(rows, STRIP);
  const position = new Int32Array(columns);
  for (const [at, column] of order.entries()) position[column] = at;

  const codesByPosition = arena.bytes(job.codes, paddedRows * columns);
  const centroidsByPosition = arena.floats(job.codebooks, codebookStart[columns] ?? 0);
  const rowsByPosition = arena.ints(job.reservedRows, reservedStart[columns] ?? 0);
  const valuesByPosition = arena.floats(job.reservedValues, reservedStart[columns] ?? 0);
  const codes = new Uint8Array(rows * columns);
  const centroids = new Float32Array(centroidsByPosition.length);
  const reservedRows = new Int32Array(rowsByPosition.length);
  const reservedValues = new Float32Array(rowsByPosition.length);
  const start = new Int32Array(columns + 1);
  const reservedColumns = new Int32Array(columns + 1);
  for (let column = 0; column < columns; column++) {
    const at = position[column] ?? 0;
    codes.set(codesByPosition.subarray(at * paddedRows, at * paddedRows + rows), column * rows);
    const codebook = centroidsByPosition.subarray(codebookStart[at] ?? 0, codebookStart[at + 1] ?? 0);
    const firstCentroid = start[column] ?? 0;
    centroids.set(codebook, firstCentroid);
    start[column + 1] = firstCentroid + codebook.length;
    const [from, to] = [reservedStart[at] ?? 0, reservedStart[at + 1] ?? 0];
    const firstReserved = reservedColumns[column] ?? 0;
    reservedRows.set(rowsByPosition.subarray(from, to), firstReserved);
    reservedValues.set(valuesByPosition.subarray(from, to), firstReserved);
    reservedColumns[column + 1] = firstReserved + to - from;
  }
  const levels: Levels =
    grid === undefined
      ? {
          kind: 'codebook',
          start,
          centroids,
          ...(input.rowScales === undefined ? {} : { rowScales: input.rowScales }),
          ...(input.byteCodebooks === true ? { byteCodebooks: true } : {}),
        }
      : { kind: 'grid', groupSize: grid.groupSize, scales: grid.scales, zeros: Uint8Array.from(grid.zeros) };
  let loss = 0;
  for (const columnLoss of arena.doubles(job.losses, columns)) loss += columnLoss;
  return {
    rows,
    columns,
    widths: Uint8Array.from(plan.widths),
    levels,
    codes,
    reservedStart: reservedColumns,
    reservedRows,
    reservedValues,
    loss,
  };
}

import type { ColumnPlan } from '../../../shared/budget.ts';
import type { CodebookFit } from '../../../shared/method.ts';
import type { Arena } from '../kernels/arena.ts';
import type { KernelPool } from '../kernels/kernel-pool.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import type { HessianFactor } from './factor.ts';
import type { Levels, QuantizedMatrix } from './quantized-matrix.ts';
import type { UniformGrid } from './uniform-grid.ts';

/** `optimal`: dynamic programme and Lloyd steps. `scikit`: k-means++ and Lloyd, as the authors' code. */
export type Clustering = 'optimal' | 'scikit';

export interface ColumnLoopOptions {
  /** Fit codebooks on the entries that stay in the code (`kept`), or on all, reserved ones included. */
  readonly codebookFit: CodebookFit;
  readonly clustering: Clustering;
  /** Off for round-to-nearest: columns are quantized as they are. */
  readonly compensate: boolean;
  readonly seed: number;
}

/** One matrix of a group: its weights and what each column gets. */
export interface LoopInput {
  readonly rows: number;
  /** [rows, columns] row-major. */
  readonly weights: Float32Array;
  readonly plan: ColumnPlan;
  /** A uniform grid instead of codebooks. */
  readonly grid?: UniformGrid;
}

// The kernels' flags (assembly/column-loop.ts).
const FIT_ALL = 1;
const SCIKIT = 2;
const GRID = 4;
const NO_COMPENSATION = 8;

/**
 * The error-compensating column loop (GPTQ in its LDLQ form, CLAQ's codebooks): quantizes the matrices of a group side by
 * side. Column by column in the factor's order: fit a codebook to the current column, assign, and let the columns behind
 * make up for what is lost. The bytes of the result do not depend on the number of threads.
 */
export async function quantizeColumns(
  pool: KernelPool,
  factor: HessianFactor,
  inputs: readonly LoopInput[],
  options: ColumnLoopOptions,
): Promise<QuantizedMatrix[]> {
  const { arena } = pool;
  const mark = arena.mark();
  try {
    pool.allocateScratch(Math.max(...inputs.map((input) => input.rows)));
    const order = arena.copyInts(factor.order);
    const dead = arena.copyBytes(factor.dead);
    const jobs: LoopJob[] = [];
    for (const input of inputs) {
      const job = layOut(arena, factor, input, options);
      const source = arena.mark();
      const matrix = arena.copyFloats(input.weights);
      const args = arena.words([matrix, job.original, input.rows, factor.columns, order, dead]);
      await pool.runTilesAsync('arrangeWeights', args, factor.paddedColumns / BLOCK);
      arena.release(source);
      arena.floats(job.error, job.floats).fill(0);
      jobs.push(job);
    }
    const blocks = factor.paddedColumns / BLOCK;
    await pool.runPipelines(
      'quantize',
      jobs.map((job) => job.args),
      jobs.map(() => blocks),
    );
    return jobs.map((job) => collect(arena, factor, job));
  } finally {
    arena.release(mark);
  }
}

/** Where one matrix stands in the arena while it is quantized. */
interface LoopJob {
  readonly input: LoopInput;
  readonly original: number;
  readonly error: number;
  /** Floats of the blocked layout. */
  readonly floats: number;
  readonly codes: number;
  /** By position of processing: first centroid and first reserved entry, and their ends. */
  readonly codebookStart: Int32Array;
  readonly codebooks: number;
  readonly reservedStart: Int32Array;
  readonly reservedRows: number;
  readonly reservedValues: number;
  readonly losses: number;
  readonly args: number;
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

function layOut(arena: Arena, factor: HessianFactor, input: LoopInput, options: ColumnLoopOptions): LoopJob {
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
    (options.compensate ? 0 : NO_COMPENSATION);
  const args = arena.words([
    original,
    error,
    factor.panels,
    factor.d,
    rows,
    columns,
    paddedColumns,
    arena.copyBytes(widths),
    arena.copyInts(low),
    arena.copyInts(high),
    codes,
    arena.copyInts(codebookStart),
    codebooks,
    arena.copyInts(reservedStart),
    reservedRows,
    reservedValues,
    losses,
    flags,
    options.seed,
    ...gridWords(arena, grid, rows, order),
  ]);
  return {
    input,
    original,
    error,
    floats,
    codes,
    codebookStart,
    codebooks,
    reservedStart,
    reservedRows,
    reservedValues,
    losses,
    args,
  };
}

/** Scales and zero points with padded rows, and the group of each position. Rows that are padding have scale 1. */
function gridWords(arena: Arena, grid: UniformGrid | undefined, rows: number, order: Int32Array): number[] {
  if (grid === undefined) return [0, 0, 0];
  const paddedRows = roundUp(rows, STRIP);
  const padded = (values: Float32Array): Float32Array => {
    const all = new Float32Array(grid.groups * paddedRows).fill(1);
    for (let group = 0; group < grid.groups; group++) {
      all.set(values.subarray(group * rows, (group + 1) * rows), group * paddedRows);
    }
    return all;
  };
  return [
    arena.copyFloats(padded(grid.scales)),
    arena.copyFloats(padded(grid.zeros)),
    arena.copyInts(Array.from(order, (column) => Math.floor(column / grid.groupSize))),
  ];
}

/** Brings a matrix out of the arena, columns back in their own order. */
function collect(arena: Arena, factor: HessianFactor, job: LoopJob): QuantizedMatrix {
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
      ? { kind: 'codebook', start, centroids }
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

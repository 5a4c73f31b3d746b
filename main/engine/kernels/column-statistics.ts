/** Sums, extremes and outliers of a matrix's columns, straight from the bytes that it is stored as. */
import { ClaqError } from '../../../shared/errors.ts';
import type { MatrixShape } from '../../../shared/model.ts';
import type { FloatDtype } from '../checkpoint/safetensors-dtype.ts';
import type { Arena } from './arena.ts';
import type { KernelPool } from './kernel-pool.ts';
import { roundUp } from './layout.ts';
import { STORED_DTYPES, magnitudeOf, smallestPattern } from './stored-magnitudes.ts';

/** A matrix in the kernels' memory, row-major, as a checkpoint stores it. */
export interface StoredMatrix extends MatrixShape {
  readonly dtype: FloatDtype;
  /** Where it begins in the arena. */
  readonly pointer: number;
}

/** A matrix of float32 values copied into the arena, until the caller's mark is released. */
export function copyMatrix(
  arena: Arena,
  weights: Float32Array,
  { rows, columns }: MatrixShape,
): StoredMatrix {
  return { rows, columns, dtype: 'F32', pointer: arena.copyFloats(weights) };
}

export interface ColumnMoments {
  /** Mean |w| over the whole matrix. */
  readonly meanMagnitude: number;
  /** Of each column: largest |w|, sum of w, sum of w^2. */
  readonly maxima: Float32Array;
  readonly sums: Float64Array;
  readonly squares: Float64Array;
}

/**
 * Columns of a stripe: so many that a row's bytes are read in long runs, and few enough for the stripe's sums and counts to
 * stay in the second-level cache.
 */
const LEAST_STRIPE = 128;
const LARGEST_STRIPE = 2048;

/** Stripes that every thread should get, so that none waits for long. */
const STRIPES_PER_THREAD = 2;

/** No two threads share a stripe, nor the sums of a column: the results depend neither on threads nor on stripes. */
function stripeColumns(columns: number, threads: number): number {
  const even = roundUp(Math.ceil(columns / (threads * STRIPES_PER_THREAD)), LEAST_STRIPE);
  return Math.min(Math.max(even, LEAST_STRIPE), LARGEST_STRIPE);
}

/** Columns that the kernels add together, with zeros behind the last ones, and the tile that they take of a stripe at a time. */
const VECTOR_COLUMNS = 4;
const TILE_BYTES = 8192;

/** The words that the arguments of the kernels begin with (assembly/stored-stripe.ts). */
function stripeWords({ pointer, dtype, rows, columns }: StoredMatrix, stripe: number): number[] {
  return [pointer, STORED_DTYPES.indexOf(dtype), rows, columns, stripe];
}

/**
 * One pass over the matrix. A column's sums run in float64 from its first row to its last, the mean over the columns' sums
 * in their order. Undefined where a weight is not a finite number.
 */
export async function columnMoments(
  pool: KernelPool,
  matrix: StoredMatrix,
): Promise<ColumnMoments | undefined> {
  const { dtype, rows, columns } = matrix;
  const { arena } = pool;
  const mark = arena.mark();
  try {
    pool.allocateScratchBytes(TILE_BYTES);
    const padded = roundUp(columns, VECTOR_COLUMNS);
    const magnitudes = arena.allocate(padded * 8);
    const sums = arena.allocate(padded * 8);
    const squares = arena.allocate(padded * 8);
    const maxima = arena.allocate(padded * 4);
    const stripe = stripeColumns(columns, pool.threads);
    const args = arena.words([...stripeWords(matrix, stripe), magnitudes, sums, squares, maxima]);
    await pool.runTilesAsync('columnMoments', args, Math.ceil(columns / stripe));
    const total = arena.doubles(magnitudes, columns).reduce((sum, magnitude) => sum + magnitude, 0);
    const largest = new Float32Array(arena.floats(maxima, columns));
    if (!Number.isFinite(total) || largest.some((each) => each > LARGEST[dtype])) return undefined;
    return {
      meanMagnitude: columns * rows === 0 ? 0 : total / (rows * columns),
      maxima: largest,
      sums: new Float64Array(arena.doubles(sums, columns)),
      squares: new Float64Array(arena.doubles(squares, columns)),
    };
  } finally {
    arena.release(mark);
  }
}

/** Largest finite magnitudes. What a half has for infinity and NaN, the kernel reads as numbers beyond them. */
const LARGEST: Readonly<Record<FloatDtype, number>> = {
  F32: magnitudeOf('F32', 0x7f7fffff),
  F16: magnitudeOf('F16', 0x7bff),
  BF16: magnitudeOf('BF16', 0x7f7f),
};

/** Patterns of 16 bits, sign cleared. */
const PATTERNS = 2 ** 15;

/**
 * How many bounds each pattern is above: of a half, or, for float32, the lowest pattern with the same upper 16 bits.
 * @param bounds ascending
 */
function levelsBelow(dtype: FloatDtype, bounds: readonly number[]): Uint16Array {
  const together = dtype === 'F32' ? 2 ** 16 : 1;
  const above = (bound: number): number => Math.floor(bound / together) + 1;
  const levels = new Uint16Array(PATTERNS);
  for (const [index, bound] of bounds.entries()) {
    levels.fill(index + 1, above(bound), above(bounds[index + 1] ?? Infinity));
  }
  return levels;
}

/** No pattern is above it. */
const NO_BOUND = 0x7fffffff;

/**
 * Outliers of each column, |w| >= S mean|W|, at each S: [sValues][columns], in the order of `sValues`. All weights are finite.
 * A matrix of zeros has none: nothing in it is larger than anything else.
 *
 * @param meanMagnitude as `columnMoments` gives it
 * @param sValues each above 0
 */
export async function columnOutliers(
  pool: KernelPool,
  matrix: StoredMatrix,
  meanMagnitude: number,
  sValues: readonly number[],
): Promise<Uint32Array[]> {
  const { dtype, columns } = matrix;
  if (meanMagnitude === 0 || sValues.length === 0) return sValues.map(() => new Uint32Array(columns));
  const { arena } = pool;
  const mark = arena.mark();
  try {
    const ascending = sValues.toSorted((a, b) => a - b);
    // Patterns of magnitudes are ordered as magnitudes are; the kernel asks for those above a bound.
    const bounds = ascending.map((s) => smallestPattern(dtype, s * meanMagnitude) - 1);
    const below = levelsBelow(dtype, bounds);
    const levels = [
      arena.copyInts([...bounds, NO_BOUND]),
      bounds.length,
      arena.copyBytes(new Uint8Array(below.buffer)),
    ];
    const padded = roundUp(columns, VECTOR_COLUMNS);
    const counts = arena.allocate(bounds.length * padded * 4);
    const stripe = stripeColumns(columns, pool.threads);
    const args = arena.words([...stripeWords(matrix, stripe), ...levels, counts, padded]);
    await pool.runTilesAsync('columnOutliers', args, Math.ceil(columns / stripe));
    const all = new Uint32Array(arena.ints(counts, bounds.length * padded));
    return sValues.map((s) => {
      const first = ascending.indexOf(s) * padded;
      return all.subarray(first, first + columns);
    });
  } finally {
    arena.release(mark);
  }
}

/**
 * Outliers of each column at one S, of weights that are not in the arena.
 * @param weights [rows, columns] row-major
 * @throws ClaqError weights/not-finite
 */
export async function countOutliers(
  pool: KernelPool,
  weights: Float32Array,
  shape: MatrixShape,
  s: number,
): Promise<Uint32Array> {
  const mark = pool.arena.mark();
  try {
    const matrix = copyMatrix(pool.arena, weights, shape);
    const moments = await columnMoments(pool, matrix);
    if (moments === undefined)
      throw new ClaqError('weights/not-finite', 'Weights are not all finite numbers');
    const [counts] = await columnOutliers(pool, matrix, moments.meanMagnitude, [s]);
    return counts ?? new Uint32Array(shape.columns);
  } finally {
    pool.arena.release(mark);
  }
}

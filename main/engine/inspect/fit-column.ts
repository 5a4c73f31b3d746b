/** One column up close: what a codebook of each width would make of it. Small enough for the calling thread. */
import { MAX_WIDTH, MIN_WIDTH } from '../../../shared/budget.ts';
import { Arena } from '../kernels/arena.ts';
import { loadKernelModule } from '../kernels/kernel-module.ts';

export interface ColumnCodebook {
  readonly width: number;
  /** Ascending, in half precision; 2^width, fewer where the column has fewer values to tell apart. */
  readonly centroids: readonly number[];
  /** Over the entries that are not reserved, each at its nearest centroid. */
  readonly squaredError: number;
}

export interface FittedColumn {
  /** The column's values, ascending. */
  readonly sorted: Float32Array;
  /** Entries reserved at each tail. */
  readonly reserved: number;
  /** For each width from MIN_WIDTH to MAX_WIDTH. */
  readonly codebooks: readonly ColumnCodebook[];
}

/**
 * Fits codebooks to a column as the column loop does.
 * @param values finite, in any order
 * @param tailShare reserved at each tail, 0 to 0.25: codebooks are fitted to the rest
 */
export type FitColumn = (values: Float32Array, tailShare: number) => FittedColumn;

const WIDTHS = Array.from({ length: MAX_WIDTH - MIN_WIDTH + 1 }, (_, index) => MIN_WIDTH + index);
const LARGEST_CODEBOOK = 2 ** MAX_WIDTH;

/** Loads the kernels into the calling thread, with a memory of their own. Throws ClaqError engine/kernel-failed. */
export async function loadColumnFitter(): Promise<FitColumn> {
  const { module } = await loadKernelModule();
  const arena = new Arena();
  const { exports } = new WebAssembly.Instance(module, { env: { memory: arena.memory } });
  const { scratchBytes, fitWidths } = exports;
  if (!isScratchBytes(scratchBytes) || !isFitWidths(fitWidths)) {
    throw new TypeError('the kernels cannot fit a column');
  }
  return (values, tailShare) => {
    const rows = values.length;
    const reserved = Math.round(rows * tailShare);
    const mark = arena.mark();
    try {
      const scratch = arena.allocate(scratchBytes(rows));
      const sorted = arena.allocate(rows * 4);
      const codebooks = arena.allocate(WIDTHS.length * LARGEST_CODEBOOK * 4);
      const errors = arena.allocate(WIDTHS.length * 8);
      const sizes = [rows, reserved, MIN_WIDTH, WIDTHS.length, LARGEST_CODEBOOK];
      fitWidths(arena.words([arena.copyFloats(values), ...sizes, sorted, codebooks, errors]), scratch);
      const squaredErrors = arena.doubles(errors, WIDTHS.length);
      return {
        sorted: Float32Array.from(arena.floats(sorted, rows)),
        reserved,
        codebooks: WIDTHS.map((width, index) => {
          const codebook = arena.floats(codebooks + index * LARGEST_CODEBOOK * 4, 2 ** width);
          return { width, centroids: [...new Set(codebook)], squaredError: squaredErrors[index] ?? 0 };
        }),
      };
    } finally {
      arena.release(mark);
    }
  };
}

function isScratchBytes(value: unknown): value is (rows: number) => number {
  return typeof value === 'function';
}

function isFitWidths(value: unknown): value is (args: number, scratch: number) => void {
  return typeof value === 'function';
}

/** How much of the kernels' memory, 4 GiB at most, the matrices of a group take. */
import { ClaqError } from '../../../shared/errors.ts';
import {
  MATRIX_GROUPS,
  type MatrixShape,
  type ModelDescription,
  matrixShape,
} from '../../../shared/model.ts';
import { ARENA_BYTES } from '../kernels/arena.ts';
import { BLOCK, STRIP, roundUp } from '../kernels/layout.ts';
import type { HessianFactor } from './factor.ts';

/** What codebooks, plans, and copies on their way in and out take beside matrices, and the scratch of 256 threads. */
const OTHER_BYTES = 1280 * 2 ** 20;

/** Weights, corrections and codes. */
function matrixBytes({ rows, columns }: MatrixShape): number {
  const paddedRows = roundUp(rows, STRIP);
  return paddedRows * (2 * 4 * roundUp(columns, BLOCK) + columns);
}

/** A matrix of columns x columns, padded. */
function squareBytes(columns: number): number {
  return 4 * roundUp(columns, BLOCK) ** 2;
}

/** What matrices and factors can have. */
const USABLE_BYTES = ARENA_BYTES - OTHER_BYTES;

/** A Hessian and its factor beside the matrices, where they stand in the same memory. */
function factorBytes(home: HessianFactor['home'], columns: number): number {
  return home === 'kernels' ? 2 * squareBytes(columns) : 0;
}

/**
 * Cuts the matrices of a group into runs that fit into the kernels' memory together. Sizes alone decide, not what is free: the
 * products of a run depend on what is in it.
 */
export function runsThatFit<T extends { readonly rows: number }>(
  matrices: readonly T[],
  { home, columns }: Pick<HessianFactor, 'home' | 'columns'>,
): T[][] {
  const room = USABLE_BYTES - factorBytes(home, columns);
  const runs: T[][] = [];
  let left = 0;
  for (const matrix of matrices) {
    const bytes = matrixBytes({ rows: matrix.rows, columns });
    const run = runs.at(-1);
    if (run === undefined || bytes > left) {
      runs.push([matrix]);
      left = room - bytes;
    } else {
      run.push(matrix);
      left -= bytes;
    }
  }
  return runs;
}

/**
 * Refuses a model of which some matrix does not fit, before hours are spent on the ones before it.
 *
 * @param home where Hessians and their factors stand: with TensorFlow not in the kernels' memory
 * @throws ClaqError engine/out-of-memory
 */
export function requireKernelMemory(model: ModelDescription, home: HessianFactor['home']): void {
  for (const group of MATRIX_GROUPS) {
    for (const kind of group) {
      const shape = matrixShape(model, kind);
      const needed = Math.max(
        // While the Hessian is factored: itself, what becomes of it, and the panels.
        home === 'kernels' ? 3 * squareBytes(shape.columns) : 0,
        factorBytes(home, shape.columns) + matrixBytes(shape),
      );
      if (needed <= USABLE_BYTES) continue;
      throw new ClaqError(
        'engine/out-of-memory',
        'The matrices of this model are too large for the kernels',
        {
          where: `${kind}, ${shape.rows} x ${shape.columns}`,
          expected: `at most ${USABLE_BYTES} bytes of the 4 GiB that WebAssembly can address`,
          found: `${needed} bytes`,
          remedy:
            home === 'kernels'
              ? 'set TensorFlow up (claq setup), which keeps Hessians elsewhere'
              : 'quantize a model with smaller matrices',
        },
      );
    }
  }
}

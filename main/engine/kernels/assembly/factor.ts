/**
 * H = U D U^T with U unit upper triangular, for the columns in their order of processing: the feedback form of the GPTQ
 * update (LDLQ, Chee et al. 2023, theorem 1), at a third of the arithmetic of inverting H and factoring the inverse.
 *
 * Reversing the order of the columns turns the upper factor into the lower one of an ordinary Cholesky factorization,
 * which is done in place, block column by block column, by the pipeline that the column loop uses too.
 */
import {
  BLOCK, BLOCK_PANELS_BYTES, BLOCK_PANEL_BYTES, BLOCK_STRIP_BYTES, PANEL, PANELS_PER_BLOCK, PANEL_BYTES, STRIP,
  STRIP_BYTES, SUB_BLOCK, pointer, word,
} from './layout';
import { blockedOffset, symmetricAt } from './gram';
import { microKernel } from './micro-kernel';

const DIAGONAL_STRIPS: i32 = BLOCK / STRIP;

/**
 * Fills one block column of the matrix to factor: H permuted, reversed, scaled, damped. Positions beyond the last column
 * come first after the reversal and are an identity. Columns whose diagonal is zero (dead) get a one there.
 * Arguments: 0 H, 1 target, 2 order (i32: column at each position), 3 columns, 4 padded columns, 5 damping (f64 pointer),
 * 6 scale (f64 pointer): what the accumulated products are multiplied with.
 */
export function arrangeBlock(args: usize, block: i32): void {
  const h = pointer(args, 0);
  const target = pointer(args, 1);
  const order = pointer(args, 2);
  const columns = word(args, 3);
  const padded = word(args, 4);
  const damping = load<f64>(pointer(args, 5));
  const scale = load<f64>(pointer(args, 6));
  const strips = padded / STRIP;
  for (let column = block * BLOCK; column < (block + 1) * BLOCK; column++) {
    const position = padded - 1 - column;
    for (let row = block * BLOCK; row < padded; row++) {
      const other = padded - 1 - row;
      let value: f64 = row == column ? 1 : 0;
      if (position < columns && other < columns) {
        const i = load<i32>(order + (<usize>position << 2));
        const j = load<i32>(order + (<usize>other << 2));
        value = <f64>symmetricAt(h, i, j, strips) * scale;
        if (row == column) value = (value == 0 ? 1 : value) + damping;
      }
      store<f32>(target + blockedOffset(row, column, strips), <f32>value);
    }
  }
}

/**
 * Factors the block column `block` once all blocks before it have been applied: its diagonal block in float64, then the
 * strips below by substitution, then its panels for the updates that follow.
 * Arguments: 0 matrix, 1 padded columns, 2 panels (see packUpdatePanels), 3 failure flag (i32).
 */
export function factorBlock(args: usize, block: i32, scratch: usize): void {
  const padded = word(args, 1);
  const strips = padded / STRIP;
  const column = pointer(args, 0) + <usize>block * <usize>strips * BLOCK_STRIP_BYTES;
  const diagonal = column + <usize>(block * DIAGONAL_STRIPS) * BLOCK_STRIP_BYTES;
  if (!factorDiagonal(diagonal, scratch)) {
    store<i32>(pointer(args, 3), 1);
    return;
  }
  const panels = scratch + <usize>(BLOCK * BLOCK) * 8;
  packNegatedPanels(diagonal, panels);
  for (let strip = (block + 1) * DIAGONAL_STRIPS; strip < strips; strip++) {
    solveStrip(column + <usize>strip * BLOCK_STRIP_BYTES, diagonal, panels);
  }
  packUpdatePanels(args, block);
}

/** Where (row, column) of the diagonal block stands, both counted inside the block. */
// @ts-ignore: decorator
@inline
function inDiagonal(row: i32, column: i32): usize {
  return <usize>(row / STRIP) * BLOCK_STRIP_BYTES + <usize>column * STRIP_BYTES + (<usize>(row % STRIP) << 2);
}

/** Cholesky factor of the diagonal block, through a float64 copy; zeros above the diagonal. False: not positive definite. */
function factorDiagonal(diagonal: usize, scratch: usize): bool {
  for (let row = 0; row < BLOCK; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = <f64>load<f32>(diagonal + inDiagonal(row, column));
      const a = scratch + (<usize>(row * BLOCK) << 3);
      const b = scratch + (<usize>(column * BLOCK) << 3);
      for (let k = 0; k < column; k++) {
        sum -= load<f64>(a + (<usize>k << 3)) * load<f64>(b + (<usize>k << 3));
      }
      if (row == column) {
        // A comparison with NaN is false too.
        if (!(sum > 0)) return false;
        sum = sqrt(sum);
      } else {
        sum /= load<f64>(b + (<usize>column << 3));
      }
      store<f64>(a + (<usize>column << 3), sum);
    }
  }
  for (let row = 0; row < BLOCK; row++) {
    for (let column = 0; column < BLOCK; column++) {
      const value = column <= row ? load<f64>(scratch + (<usize>(row * BLOCK + column) << 3)) : 0;
      store<f32>(diagonal + inDiagonal(row, column), <f32>value);
    }
  }
  return true;
}

/** Panels of -L of a diagonal block: entry [panel][i][p] multiplies column i in the update of column 6 panel + p. */
function packNegatedPanels(block: usize, panels: usize): void {
  for (let panel = 0; panel < PANELS_PER_BLOCK; panel++) {
    for (let i = 0; i < BLOCK; i++) {
      for (let p = 0; p < PANEL; p++) {
        const value = load<f32>(block + inDiagonal(panel * PANEL + p, i));
        store<f32>(panels + <usize>panel * BLOCK_PANEL_BYTES + <usize>i * PANEL_BYTES + (<usize>p << 2), -value);
      }
    }
  }
}

/** Eight rows of the block column, solved against the diagonal block: x L^T = h, sub-block by sub-block. */
function solveStrip(strip: usize, diagonal: usize, panels: usize): void {
  for (let sub = 0; sub < BLOCK; sub += SUB_BLOCK) {
    for (let column = sub; column < sub + SUB_BLOCK; column++) {
      const at = strip + <usize>column * STRIP_BYTES;
      let low = v128.load(at);
      let high = v128.load(at, 16);
      for (let i = sub; i < column; i++) {
        const l = v128.load32_splat(diagonal + inDiagonal(column, i));
        const x = strip + <usize>i * STRIP_BYTES;
        low = f32x4.sub(low, f32x4.mul(l, v128.load(x)));
        high = f32x4.sub(high, f32x4.mul(l, v128.load(x, 16)));
      }
      const pivot = v128.load32_splat(diagonal + inDiagonal(column, column));
      v128.store(at, f32x4.div(low, pivot));
      v128.store(at, f32x4.div(high, pivot), 16);
    }
    for (let panel = (sub + SUB_BLOCK) / PANEL; panel < PANELS_PER_BLOCK; panel++) {
      microKernel(
        panels + <usize>panel * BLOCK_PANEL_BYTES + <usize>sub * PANEL_BYTES,
        strip + <usize>sub * STRIP_BYTES,
        strip + <usize>(panel * PANEL) * STRIP_BYTES,
        STRIP_BYTES,
        SUB_BLOCK,
      );
    }
  }
}

/** Panels of -L of the finished block column, one set for each block of rows below: [row block][panel][i][6]. */
function packUpdatePanels(args: usize, block: i32): void {
  const padded = word(args, 1);
  const strips = padded / STRIP;
  const blocks = padded / BLOCK;
  const column = pointer(args, 0) + <usize>block * <usize>strips * BLOCK_STRIP_BYTES;
  const panels = pointer(args, 2) + <usize>block * <usize>blocks * BLOCK_PANELS_BYTES;
  for (let target = block + 1; target < blocks; target++) {
    packNegatedPanels(
      column + <usize>(target * DIAGONAL_STRIPS) * BLOCK_STRIP_BYTES,
      panels + <usize>target * BLOCK_PANELS_BYTES,
    );
  }
}

/** Applies the finished block column `source` to the block column `target` behind it. Arguments as factorBlock. */
export function updateFactorBlock(args: usize, source: i32, target: i32): void {
  const padded = word(args, 1);
  const strips = padded / STRIP;
  const blocks = padded / BLOCK;
  const matrix = pointer(args, 0);
  const from = matrix + <usize>source * <usize>strips * BLOCK_STRIP_BYTES;
  const to = matrix + <usize>target * <usize>strips * BLOCK_STRIP_BYTES;
  const panels = pointer(args, 2) + (<usize>source * <usize>blocks + <usize>target) * BLOCK_PANELS_BYTES;
  for (let strip = target * DIAGONAL_STRIPS; strip < strips; strip++) {
    const b = from + <usize>strip * BLOCK_STRIP_BYTES;
    const c = to + <usize>strip * BLOCK_STRIP_BYTES;
    for (let panel = 0; panel < PANELS_PER_BLOCK; panel++) {
      microKernel(panels + <usize>panel * BLOCK_PANEL_BYTES, b, c + <usize>(panel * PANEL) * STRIP_BYTES, STRIP_BYTES, BLOCK);
    }
  }
}

/**
 * The factor in the form in which the column loop reads it: for one block of source columns, the panels of U of every
 * block of columns at or behind it, [source block][target block][panel][i][6], and D.
 * Arguments: 0 Cholesky factor of the reversed matrix, 1 padded columns, 2 panels of U, 3 D (f64 [padded]).
 */
export function arrangeFactor(args: usize, source: i32): void {
  const lower = pointer(args, 0);
  const padded = word(args, 1);
  const strips = padded / STRIP;
  const blocks = padded / BLOCK;
  const panels = pointer(args, 2) + <usize>source * <usize>blocks * BLOCK_PANELS_BYTES;
  const d = pointer(args, 3);
  for (let column = source * BLOCK; column < padded; column++) {
    const c = padded - 1 - column;
    const pivot = <f64>load<f32>(lower + blockedOffset(c, c, strips));
    if (column < (source + 1) * BLOCK) store<f64>(d + (<usize>column << 3), pivot * pivot);
    const to =
      panels +
      <usize>(column / BLOCK) * BLOCK_PANELS_BYTES +
      <usize>((column % BLOCK) / PANEL) * BLOCK_PANEL_BYTES +
      (<usize>(column % PANEL) << 2);
    for (let i = 0; i < BLOCK; i++) {
      const row = source * BLOCK + i;
      let value: f32 = 0;
      if (row < column) {
        value = <f32>(<f64>load<f32>(lower + blockedOffset(padded - 1 - row, c, strips)) / pivot);
      }
      store<f32>(to + <usize>i * PANEL_BYTES, value);
    }
  }
}

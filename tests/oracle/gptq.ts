/**
 * The method in float64, literally as GPTQ (Frantar et al. 2022) states it: invert the Hessian, take the upper Cholesky
 * factor of the inverse, quantize column after column, and take each column's error out of all columns behind it. The
 * kernels never invert anything (they use the feedback form on a factor of H itself), so the two share no arithmetic.
 */
import {
  type Matrix,
  at,
  choleskyLower,
  inverse,
  matrixOf,
  permuteSymmetric,
  product,
  trace,
  transpose,
} from './linear-algebra.ts';

export interface PreparedHessian {
  /** Column at each position of processing. */
  readonly order: number[];
  readonly dead: boolean[];
  /** H with ones for dead columns and damping on its diagonal, in the columns' own order. */
  readonly damped: Matrix;
  /** U with damped^-1 = U^T U, in the order of processing. */
  readonly upper: Matrix;
}

export function prepareHessian(hessian: Matrix, percdamp: number, actOrder: boolean): PreparedHessian {
  const columns = hessian.columns;
  const dead = Array.from({ length: columns }, (_, i) => at(hessian, i, i) === 0);
  const alive = { ...hessian, values: Float64Array.from(hessian.values) };
  for (const [i, isDead] of dead.entries()) if (isDead) alive.values[i * columns + i] = 1;
  const order = Array.from({ length: columns }, (_, i) => i);
  if (actOrder) order.sort((a, b) => at(alive, b, b) - at(alive, a, a) || a - b);
  const damping = (percdamp * trace(alive)) / columns;
  const damped = { ...alive, values: Float64Array.from(alive.values) };
  for (let i = 0; i < columns; i++) damped.values[i * columns + i] = at(alive, i, i) + damping;
  const upper = transpose(choleskyLower(inverse(permuteSymmetric(damped, order))));
  return { order, dead, damped, upper };
}

/** Quantizes one column: its current values in, what they become out. */
export type ColumnQuantizer = (values: Float64Array, column: number) => Float64Array;

export interface OracleResult {
  /** [rows, columns] */
  readonly quantized: Matrix;
  /** sum of (w - q)^2 / U[i,i]^2 / 2, w the compensated weight. */
  readonly loss: number;
}

export function gptq(
  weights: Matrix,
  { order, dead, upper }: PreparedHessian,
  quantize: ColumnQuantizer,
): OracleResult {
  const { rows, columns } = weights;
  const current = Float64Array.from(weights.values);
  const quantized = new Float64Array(rows * columns);
  let loss = 0;
  for (const [position, column] of order.entries()) {
    const values = Float64Array.from({ length: rows }, (_, row) =>
      dead[column] === true ? 0 : (current[row * columns + column] ?? 0),
    );
    const result = quantize(values, column);
    const pivot = at(upper, position, position);
    for (let row = 0; row < rows; row++) {
      const q = result[row] ?? 0;
      quantized[row * columns + column] = q;
      const error = ((values[row] ?? 0) - q) / pivot;
      loss += (error * error) / 2;
      for (let later = position + 1; later < columns; later++) {
        const cell = row * columns + (order[later] ?? 0);
        current[cell] = (current[cell] ?? 0) - error * at(upper, position, later);
      }
    }
  }
  return { quantized: matrixOf(rows, columns, quantized), loss };
}

/** The same loss from the result alone: tr((W - Q) H (W - Q)^T) / 2 with the damped H. Dead columns count as zero weights. */
export function lossOf(weights: Matrix, quantized: Matrix, { dead, damped }: PreparedHessian): number {
  const { rows, columns } = weights;
  const difference = weights.values.map(
    (w, cell) => (dead[cell % columns] === true ? 0 : w) - (quantized.values[cell] ?? 0),
  );
  const e = matrixOf(rows, columns, difference);
  return trace(product(product(e, damped), transpose(e))) / 2;
}

/** Plain float64 matrices, row-major. Written to be read. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

export function zeros(rows: number, columns: number): Matrix {
  return { rows, columns, values: new Float64Array(rows * columns) };
}

export function matrixOf(rows: number, columns: number, values: ArrayLike<number>): Matrix {
  if (values.length !== rows * columns)
    throw new RangeError(`${values.length} values for ${rows} x ${columns}`);
  return { rows, columns, values: Float64Array.from(values) };
}

export function at({ columns, values }: Matrix, row: number, column: number): number {
  return values[row * columns + column] ?? NaN;
}

function set({ columns, values }: Matrix, row: number, column: number, value: number): void {
  values[row * columns + column] = value;
}

export function transpose(a: Matrix): Matrix {
  const result = zeros(a.columns, a.rows);
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < a.columns; column++) set(result, column, row, at(a, row, column));
  }
  return result;
}

export function product(a: Matrix, b: Matrix): Matrix {
  const result = zeros(a.rows, b.columns);
  for (let row = 0; row < a.rows; row++) {
    for (let k = 0; k < a.columns; k++) {
      const factor = at(a, row, k);
      if (factor === 0) continue;
      const [to, from] = [row * b.columns, k * b.columns];
      for (let column = 0; column < b.columns; column++) {
        result.values[to + column] =
          (result.values[to + column] ?? 0) + factor * (b.values[from + column] ?? 0);
      }
    }
  }
  return result;
}

/** Rows and columns of a symmetric matrix in another order: result[i][j] = a[order[i]][order[j]]. */
export function permuteSymmetric(a: Matrix, order: ArrayLike<number>): Matrix {
  const result = zeros(a.rows, a.columns);
  for (let row = 0; row < a.rows; row++) {
    for (let column = 0; column < a.columns; column++) {
      set(result, row, column, at(a, order[row] ?? 0, order[column] ?? 0));
    }
  }
  return result;
}

/** L, lower triangular, with a = L L^T. Throws RangeError where a is not positive definite. */
export function choleskyLower(a: Matrix): Matrix {
  const n = a.rows;
  const lower = zeros(n, n);
  for (let row = 0; row < n; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = at(a, row, column);
      for (let k = 0; k < column; k++) sum -= at(lower, row, k) * at(lower, column, k);
      if (row !== column) set(lower, row, column, sum / at(lower, column, column));
      else if (sum > 0) set(lower, row, row, Math.sqrt(sum));
      else throw new RangeError(`not positive definite: pivot ${row} is ${sum}`);
    }
  }
  return lower;
}

/** Inverse of a symmetric positive definite matrix: a = L L^T, so a^-1 = L^-T L^-1. */
export function inverse(a: Matrix): Matrix {
  const n = a.rows;
  const lower = choleskyLower(a);
  const inverseLower = zeros(n, n);
  for (let column = 0; column < n; column++) {
    for (let row = column; row < n; row++) {
      let sum = row === column ? 1 : 0;
      for (let k = column; k < row; k++) sum -= at(lower, row, k) * at(inverseLower, k, column);
      set(inverseLower, row, column, sum / at(lower, row, row));
    }
  }
  return product(transpose(inverseLower), inverseLower);
}

export function trace(a: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += at(a, i, i);
  return sum;
}

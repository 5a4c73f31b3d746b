/** The lower Cholesky factor of a matrix, for which tfjs has no operation. */
import * as tf from '@tensorflow/tfjs-core';
import type { OpAttribute, TensorflowBackend } from './tensorflow-backend.ts';

export interface CholeskyFactor {
  /** [n, n]; above its diagonal stands anything. The caller disposes it. */
  readonly lower: tf.Tensor2D;
  /** Its diagonal, all above 0. */
  readonly roots: Float32Array;
}

/** Columns of a panel: wide enough for products at full speed, narrow enough that what is no product takes little. */
const PANEL = 256;
/** From so many panels on they are faster than TensorFlow's own kernel. */
const FEWEST_PANELS = 4;

/**
 * Factors a symmetric matrix whose diagonal is replaced. TensorFlow's kernel for processors runs on one thread, at 30 GFLOPS
 * where products make 200: there it factors narrow diagonal blocks alone.
 * @param matrix [n, n]; left alone
 * @param diagonal [n]
 * @returns undefined where it is not positive definite
 */
export function choleskyFactor(
  backend: TensorflowBackend,
  matrix: tf.Tensor2D,
  diagonal: Float32Array,
): CholeskyFactor | undefined {
  const [n] = matrix.shape;
  if (!backend.binding.isUsingGpuDevice() && n >= FEWEST_PANELS * PANEL)
    return factorByPanels(backend, matrix, diagonal);
  return factorBlock(backend, () => withDiagonal(backend, matrix, diagonal));
}

/**
 * Panel by panel (the left-looking form, Golub and Van Loan 4.2.5): what the panels before it put into it is taken away in one
 * product; its top is factored; and the rest of it is divided by that factor.
 */
function factorByPanels(
  backend: TensorflowBackend,
  matrix: tf.Tensor2D,
  diagonal: Float32Array,
): CholeskyFactor | undefined {
  const [n] = matrix.shape;
  const roots = new Float32Array(n);
  /** Each from its first row on. */
  const panels: tf.Tensor2D[] = [];
  try {
    for (let first = 0; first < n; first += PANEL) {
      const width = Math.min(PANEL, n - first);
      const before = rowsBehind(panels, first);
      try {
        /** What is left of rows [from, from + rows) of the panel. */
        const left = (from: number, rows: number, values: tf.Tensor2D): tf.Tensor2D => {
          if (before === undefined) return values;
          const head = tf.slice(before, [0, 0], [width, first]);
          const own = tf.slice(before, [from, 0], [rows, first]);
          return tf.sub<tf.Tensor2D>(values, tf.matMul(own, head, false, true));
        };
        const top = factorBlock(backend, () => {
          const values = tf.slice(matrix, [first, first], [width, width]);
          return left(0, width, withDiagonal(backend, values, diagonal.subarray(first, first + width)));
        });
        if (top === undefined) return undefined;
        roots.set(top.roots, first);
        panels.push(
          disposedAfter(top.lower, (lower) => {
            const below = n - first - width;
            if (below === 0) return tf.clone(lower);
            const rest = left(width, below, tf.slice(matrix, [first + width, first], [below, width]));
            const divided = tf.matMul<tf.Tensor2D>(rest, inverseOf(backend, lower), false, true);
            return tf.concat2d([lower, divided], 0);
          }),
        );
      } finally {
        before?.dispose();
      }
    }
    return { lower: wholeOf(panels, n), roots };
  } finally {
    tf.dispose(panels);
  }
}

/** Rows from `first` on of all panels, side by side; undefined where there are none. */
function rowsBehind(panels: readonly tf.Tensor2D[], first: number): tf.Tensor2D | undefined {
  if (panels.length === 0) return undefined;
  return tf.tidy(() =>
    tf.concat2d(
      panels.map((panel, p) => tf.slice(panel, [first - p * PANEL, 0], [-1, panel.shape[1]])),
      1,
    ),
  );
}

/** The panels in one matrix; frees them on the way. */
function wholeOf(panels: tf.Tensor2D[], n: number): tf.Tensor2D {
  const columns: tf.Tensor2D[] = [];
  try {
    for (let panel = panels.shift(); panel !== undefined; panel = panels.shift()) {
      columns.push(
        disposedAfter(panel, (values) =>
          tf.pad(values, [
            [n - values.shape[0], 0],
            [0, 0],
          ]),
        ),
      );
    }
    return tf.tidy(() => tf.concat2d(columns, 1));
  } finally {
    tf.dispose(columns);
  }
}

function disposedAfter(tensor: tf.Tensor2D, work: (tensor: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
  try {
    return tf.tidy(() => work(tensor));
  } finally {
    tensor.dispose();
  }
}

/** By TensorFlow's kernel, which leaves NaN where it fails, and does not throw. */
function factorBlock(backend: TensorflowBackend, block: () => tf.Tensor2D): CholeskyFactor | undefined {
  const lower = tf.tidy(() => {
    const values = block();
    return asMatrix(backend.executeSingleOutput('Cholesky', [elementType(backend)], [values]), values.shape);
  });
  let factored = false;
  try {
    const roots = diagonalOf(backend, lower);
    factored = roots.every((root) => root > 0);
    return factored ? { lower, roots } : undefined;
  } finally {
    if (!factored) lower.dispose();
  }
}

function inverseOf(backend: TensorflowBackend, lower: tf.Tensor2D): tf.Tensor2D {
  const flag = (name: string, value: boolean): OpAttribute => ({
    name,
    type: backend.binding.TF_ATTR_BOOL,
    value,
  });
  const attributes = [flag('lower', true), flag('adjoint', false), elementType(backend)];
  const inputs = [lower, tf.eye(lower.shape[0])];
  return asMatrix(backend.executeSingleOutput('MatrixTriangularSolve', attributes, inputs), lower.shape);
}

function withDiagonal(backend: TensorflowBackend, matrix: tf.Tensor2D, diagonal: Float32Array): tf.Tensor2D {
  const inputs = [matrix, tf.tensor1d(diagonal)];
  return asMatrix(backend.executeSingleOutput('MatrixSetDiag', [elementType(backend)], inputs), matrix.shape);
}

function diagonalOf(backend: TensorflowBackend, matrix: tf.Tensor2D): Float32Array {
  const diagonal = backend.executeSingleOutput('MatrixDiagPart', [elementType(backend)], [matrix]);
  try {
    return diagonal.dataSync<'float32'>();
  } finally {
    diagonal.dispose();
  }
}

function elementType({ binding }: TensorflowBackend): OpAttribute {
  return { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

function asMatrix(tensor: tf.Tensor, shape: [number, number]): tf.Tensor2D {
  return tf.reshape<tf.Rank.R2>(tensor, shape);
}

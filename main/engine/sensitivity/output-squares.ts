import * as tf from '@tensorflow/tfjs-core';
import { MATRIX_KINDS, type MatrixKind, type ModelDescription, matrixShape } from '../../../shared/model.ts';

/** How much the loss feels an error in the output of one linear layer. All are of squares of dL/dy, y the output. */
export interface MatrixSensitivity {
  readonly block: number;
  readonly kind: MatrixKind;
  /** Over the rows' mean of each token: its mean over the tokens. */
  readonly mean: number;
  /** Its median over the tokens, which a few tokens with enormous gradients do not move. */
  readonly median: number;
  /** Of each row the mean over the tokens, [rows]. */
  readonly rows: Float32Array;
}

interface KindSquares {
  /** Mean over the rows, of each token. */
  readonly tokens: Float32Array;
  /** Sum over the tokens, of each row. */
  readonly rows: Float64Array;
}

/** The squared gradients at the outputs of a block's linear layers, of some tokens. */
export class OutputSquares {
  readonly #kinds: ReadonlyMap<MatrixKind, KindSquares>;

  constructor(model: ModelDescription, tokens: number) {
    this.#kinds = new Map(
      MATRIX_KINDS.map((kind) => [
        kind,
        { tokens: new Float32Array(tokens), rows: new Float64Array(matrixShape(model, kind).rows) },
      ]),
    );
  }

  /** Adds the gradients of tokens from `from` on, [tokens, rows]; each token of a layer once. */
  record(kind: MatrixKind, gradient: tf.Tensor2D, from: number): void {
    const { tokens, rows } = this.#of(kind);
    tf.tidy(() => {
      const squares = tf.square(gradient);
      tokens.set(tf.mean(squares, 1).dataSync<'float32'>(), from);
      addTo(rows, tf.sum(squares, 0).dataSync<'float32'>());
    });
  }

  /** Takes over the first `count` tokens of another, all others of which have no gradient, as those from `from` on. */
  append(other: OutputSquares, count: number, from: number): void {
    for (const [kind, { tokens, rows }] of this.#kinds) {
      const added = other.#of(kind);
      tokens.set(added.tokens.subarray(0, count), from);
      addTo(rows, added.rows);
    }
  }

  /** In the order of MATRIX_KINDS. */
  summary(block: number): MatrixSensitivity[] {
    return [...this.#kinds].map(([kind, { tokens, rows }]) => ({
      block,
      kind,
      mean: tokens.reduce((sum, value) => sum + value, 0) / tokens.length,
      median: median(tokens),
      rows: Float32Array.from(rows, (sum) => sum / tokens.length),
    }));
  }

  #of(kind: MatrixKind): KindSquares {
    const squares = this.#kinds.get(kind);
    if (squares === undefined) throw new RangeError(`no squares of ${kind}`);
    return squares;
  }
}

function addTo(sums: Float64Array, values: Float32Array | Float64Array): void {
  for (let i = 0; i < values.length; i++) sums[i] = (sums[i] ?? 0) + (values[i] ?? 0);
}

/** Of an even number, the mean of the two in the middle. */
function median(values: Float32Array): number {
  const sorted = values.toSorted();
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

import * as tf from '@tensorflow/tfjs-core';
import { BLOCK } from '../kernels/layout.ts';
import type { BatchSizes, TokenRange } from '../transformer/batch-sizes.ts';

/** Rows of X X^T that are multiplied at once: wider bands waste more below the diagonal, narrower ones are slower. */
const BAND_ROWS = 5 * BLOCK;

/** A band of rows of the products, from the diagonal on. */
interface Band {
  readonly first: number;
  readonly rows: number;
  /** [rows, columns - first]. */
  sum: tf.Tensor2D;
  /** Tokens of the present segment that are in the sum. */
  tokens: number;
}

/**
 * H = (2 / segments) X X^T as it adds up on the backend's device, in float32. The products are symmetric: in bands from the
 * diagonal on they take little more than half of the arithmetic and of the memory.
 */
export class DeviceHessian {
  readonly home = 'device';
  readonly columns: number;
  readonly #bands: Band[];
  #segments = 0;

  constructor(columns: number) {
    this.columns = columns;
    const bands = Math.max(1, Math.round(columns / BAND_ROWS));
    const edge = (band: number): number =>
      band === bands ? columns : Math.round((band * columns) / bands / BLOCK) * BLOCK;
    this.#bands = Array.from({ length: bands }, (_, band) => {
      const [first, end] = [edge(band), edge(band + 1)];
      return { first, rows: end - first, sum: tf.zeros([end - first, columns - first]), tokens: 0 };
    });
  }

  /** What the products are multiplied with to be the Hessian. */
  get scale(): number {
    return 2 / this.#segments;
  }

  /**
   * Adds a segment, some of its tokens at a time. Where memory runs out on the way, it can be called again: bands that have
   * got their tokens get no more of these, and those behind them get theirs in smaller batches.
   * @param input inputs of the layer for some tokens, [tokens, columns]; this side disposes them
   */
  addSegment(length: number, { tokens: atOnce }: BatchSizes, input: (rows: TokenRange) => tf.Tensor2D): void {
    const added = (): number[] => this.#bands.map(({ tokens }) => tokens);
    for (let from = Math.min(...added()); from < length; from = Math.min(...added())) {
      const to = Math.min(from + atOnce, length, ...added().filter((tokens) => tokens > from));
      const byColumn = this.#byColumn(input({ from, to }));
      try {
        for (const band of this.#bands) if (band.tokens === from) addProducts(band, byColumn);
      } finally {
        byColumn.dispose();
      }
    }
    for (const band of this.#bands) band.tokens = 0;
    this.#segments += 1;
  }

  /** Takes inputs, [tokens, columns], and gives them with the tokens of a column side by side. */
  #byColumn(inputs: tf.Tensor2D): tf.Tensor2D {
    try {
      return tf.transpose<tf.Tensor2D>(inputs);
    } finally {
      inputs.dispose();
    }
  }

  /** Starts from a Hessian that was computed elsewhere: [columns, columns], symmetric, row-major. */
  load(hessian: Float32Array): void {
    const { columns } = this;
    const halves = tf.tidy(() => tf.mul<tf.Tensor2D>(tf.tensor2d(hessian, [columns, columns]), 0.5));
    for (const band of this.#bands) {
      band.sum.dispose();
      band.sum = tf.slice(halves, [band.first, band.first], [band.rows, columns - band.first]);
    }
    halves.dispose();
    this.#segments = 1;
  }

  /** diag(H), [columns]. */
  diagonal(): Float64Array {
    const diagonal = new Float64Array(this.columns);
    for (const { first, rows, sum } of this.#bands) {
      // Elements of the diagonal stand a row and a column apart.
      const columns = this.columns - first;
      const apart = tf.tidy(() =>
        tf.gather(tf.reshape(sum, [rows * columns]), diagonalPlaces(rows, columns)),
      );
      try {
        diagonal.set(apart.dataSync<'float32'>(), first);
      } finally {
        apart.dispose();
      }
    }
    return diagonal.map((value) => value * this.scale);
  }

  /** The products, [columns, columns], without the factor 2 / segments. They are the caller's; the Hessian has none any more. */
  takeProducts(): tf.Tensor2D {
    const products = this.#wholeProducts();
    this.dispose();
    return products;
  }

  /** H, [columns, columns], undamped: the caller's. */
  whole(): tf.Tensor2D {
    return tf.tidy(() => tf.mul<tf.Tensor2D>(this.#wholeProducts(), this.scale));
  }

  #wholeProducts(): tf.Tensor2D {
    const bands = this.#bands;
    return tf.tidy(() => {
      const whole = bands.map(({ first, rows, sum }, band) => {
        const mirrored = bands
          .slice(0, band)
          .map((above) =>
            tf.transpose<tf.Tensor2D>(tf.slice(above.sum, [0, first - above.first], [above.rows, rows])),
          );
        return tf.concat2d([...mirrored, sum], 1);
      });
      return tf.concat2d(whole, 0);
    });
  }

  /** Frees the sums. */
  dispose(): void {
    for (const { sum } of this.#bands) sum.dispose();
    this.#bands.length = 0;
  }
}

/** Adds the products of inputs, [columns, tokens], to a band. Where that fails, the band is as it was. */
function addProducts(band: Band, inputs: tf.Tensor2D): void {
  const { first, rows, sum } = band;
  const [columns, tokens] = inputs.shape;
  band.sum = tf.tidy(() => {
    // Rows in one piece: columns of untransposed inputs take a fifth longer to slice and to multiply.
    const left = tf.slice(inputs, [first, 0], [rows, tokens]);
    const right = tf.slice(inputs, [first, 0], [columns - first, tokens]);
    return tf.add<tf.Tensor2D>(sum, tf.matMul(left, right, false, true));
  });
  band.tokens += tokens;
  sum.dispose();
}

/** Where the diagonal of a row-major matrix with `columns` columns stands. */
function diagonalPlaces(rows: number, columns: number): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row * (columns + 1));
}

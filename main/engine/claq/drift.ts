/**
 * How far the quantized model's activations have drifted from the original's where a group of matrices begins: what the
 * weights are corrected by (asymmetric-calibration.ts, residual-correction.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { TokenRange } from '../transformer/batch-sizes.ts';
import { missedInput, missedOutput } from './asymmetric-calibration.ts';
import { missedStream } from './residual-correction.ts';

/** Parts of the corrections that are made, 0 to 1: all of them would be right on the calibration text alone. */
export interface CorrectionStrengths {
  readonly asymmetric: number;
  readonly residual: number;
}

/**
 * Sums over the tokens of all calibration segments, times 2 / segments like the Hessian; on the backend. X are the original
 * inputs, X^ those of the quantized model, h and h^ their residual streams, a and r the strengths.
 */
export interface Drift {
  /**
   * `inputs`: a (X - X^)^T X^, [columns, columns], of matrices that share their inputs. `output`: (a W (X - X^) + r (h - h^)) X^^T,
   * [rows, columns], of one matrix W that writes to the residual stream.
   */
  readonly of: 'inputs' | 'output';
  readonly products: tf.Tensor2D;
}

/** What one of the two models has of some tokens, [tokens, width]; what is asked for is freed by whoever asks. */
export interface ModelTokens {
  readonly input: () => tf.Tensor2D;
  readonly stream: () => tf.Tensor2D;
}

/** Adds up the drift of a group. */
export class DriftSums {
  readonly #strengths: CorrectionStrengths;
  readonly #output: tf.Tensor2D | undefined;
  #products: tf.Tensor2D | undefined;

  /** @param output weights of the group's one matrix, where it writes to the residual stream, [rows, columns]: the caller's */
  constructor(strengths: CorrectionStrengths, output: tf.Tensor2D | undefined) {
    this.#strengths = strengths;
    this.#output = output;
  }

  /**
   * Adds a segment, some of its tokens at a time. Where that fails, nothing has been added.
   * @param original what the models have of some of its tokens, and `quantized` likewise
   */
  addSegment(
    ranges: readonly TokenRange[],
    original: (rows: TokenRange) => ModelTokens,
    quantized: (rows: TokenRange) => ModelTokens,
  ): void {
    const before = this.#products;
    this.#products = ranges.reduce((sum, rows) => {
      try {
        return tf.tidy(() => {
          const own = quantized(rows);
          const input = own.input();
          const missed = this.#missed(original(rows), own, input);
          const product = tf.matMul<tf.Tensor2D>(missed, input, true, false);
          return sum === undefined ? product : tf.add<tf.Tensor2D>(sum, product);
        });
      } finally {
        if (sum !== before) sum?.dispose();
      }
    }, before);
    if (this.#products !== before) before?.dispose();
  }

  /** @param scale 2 / segments. The sums are used up; the result is the caller's. */
  take(scale: number): Drift {
    const sum = this.#products;
    if (sum === undefined) throw new Error('no tokens were added');
    const products = tf.tidy(() => tf.mul<tf.Tensor2D>(sum, scale));
    this.dispose();
    return { of: this.#output === undefined ? 'inputs' : 'output', products };
  }

  dispose(): void {
    this.#products?.dispose();
    this.#products = undefined;
  }

  /** What the matrices are to make up for, [tokens, columns or rows]. */
  #missed(original: ModelTokens, quantized: ModelTokens, input: tf.Tensor2D): tf.Tensor2D {
    const { asymmetric, residual } = this.#strengths;
    const output = this.#output;
    if (output === undefined) return tf.mul(missedInput(original.input(), input), asymmetric);
    const terms: tf.Tensor2D[] = [];
    if (asymmetric > 0) terms.push(tf.mul(missedOutput(output, original.input(), input), asymmetric));
    if (residual > 0) terms.push(tf.mul(missedStream(original.stream(), quantized.stream()), residual));
    return tf.addN(terms);
  }
}

/** Whether a group has anything to make up for. */
export function isCorrected({ asymmetric, residual }: CorrectionStrengths, writesToStream: boolean): boolean {
  return asymmetric > 0 || (residual > 0 && writesToStream);
}

export function disposeDrift({ products }: Drift): void {
  products.dispose();
}

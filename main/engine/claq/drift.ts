/**
 * How far the quantized model's activations have drifted from the original's where a group of matrices begins: what the
 * corrections of its weights (asymmetric-calibration.ts, residual-correction.ts) are made from.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Sums over the tokens of all calibration segments, times 2 / segments like the Hessian; on the backend. */
export interface Drift {
  /** (X - X^)^T X^, [columns, columns]: X the original inputs, X^ those of the quantized model, both [tokens, columns]. */
  readonly inputs: tf.Tensor2D;
  /** (h - h^)^T X^, [hidden size, columns]: h the residual stream that the group's output is added to. Of o and down alone. */
  readonly stream: tf.Tensor2D | undefined;
}

/** What the original model and the quantized one have of some tokens. */
export interface DriftingTokens {
  readonly originalInput: tf.Tensor2D;
  readonly input: tf.Tensor2D;
  readonly originalStream: tf.Tensor2D | undefined;
  readonly stream: tf.Tensor2D | undefined;
}

/** Adds up the drift of a group. */
export class DriftSums {
  #inputs: tf.Tensor2D | undefined;
  #stream: tf.Tensor2D | undefined;

  /** The tokens' tensors stay the caller's. */
  add({ originalInput, input, originalStream, stream }: DriftingTokens): void {
    this.#inputs = plus(this.#inputs, originalInput, input, input);
    if (originalStream !== undefined && stream !== undefined) {
      this.#stream = plus(this.#stream, originalStream, stream, input);
    }
  }

  /** @param scale 2 / segments. The sums are used up; the result is the caller's. */
  take(scale: number): Drift {
    const scaled = (sum: tf.Tensor2D): tf.Tensor2D => tf.mul(sum, scale);
    if (this.#inputs === undefined) throw new Error('no tokens were added');
    const [inputs, stream] = [
      scaled(this.#inputs),
      this.#stream === undefined ? undefined : scaled(this.#stream),
    ];
    this.dispose();
    return { inputs, stream };
  }

  dispose(): void {
    tf.dispose([this.#inputs ?? [], this.#stream ?? []]);
    this.#inputs = undefined;
    this.#stream = undefined;
  }
}

export function disposeDrift({ inputs, stream }: Drift): void {
  tf.dispose([inputs, stream ?? []]);
}

/** sum + (original - quantized)^T input. Frees the sum. */
function plus(
  sum: tf.Tensor2D | undefined,
  original: tf.Tensor2D,
  quantized: tf.Tensor2D,
  input: tf.Tensor2D,
): tf.Tensor2D {
  const next = tf.tidy(() => {
    const product = tf.matMul<tf.Tensor2D>(tf.sub<tf.Tensor2D>(original, quantized), input, true, false);
    return sum === undefined ? product : tf.add<tf.Tensor2D>(sum, product);
  });
  sum?.dispose();
  return next;
}

import * as tf from '@tensorflow/tfjs-core';
import { onHandles } from './on-handles.ts';
import { TF_BFLOAT16, TF_HALF, type TensorflowBackend } from './tensorflow-backend.ts';

export interface HalfProduct {
  readonly precision: 'bfloat16' | 'float16';
  /** The second operand is [n, k], not [k, n]. */
  readonly transposeSecond: boolean;
}

/**
 * Longest sum that a processor is given at once. Longer ones TensorFlow's kernels cut where the number of threads suggests, and
 * round to half precision at the cuts: other bytes on other numbers of threads. So they do with sums that are not whole tiles.
 */
const LONGEST_SUM = 768;
const TILE = 32;

/**
 * A product in half precision: both operands are rounded to it, sums are float32 inside of TensorFlow's kernels, and rounded to it
 * once more before they come back as float32; on a processor that is sums of at most 768 products, which are added up in float32.
 * `first` [m, k] -> [m, n].
 */
export function halfProduct(
  backend: TensorflowBackend,
  first: tf.Tensor2D,
  second: tf.Tensor2D,
  product: HalfProduct,
): tf.Tensor2D {
  const inner = first.shape[1];
  const pieces = backend.binding.isUsingGpuDevice() ? [{ from: 0, length: inner }] : sumPieces(inner);
  if (pieces.length === 1) return productOf(backend, first, second, product);
  let sum: tf.Tensor2D | undefined;
  for (const { from, length } of pieces) {
    const before = sum;
    // One piece at a time: all of them would be many times the product.
    sum = tf.tidy(() => {
      const left = tf.slice(first, [0, from], [-1, length]);
      const right = product.transposeSecond
        ? tf.slice(second, [0, from], [-1, length])
        : tf.slice(second, [from, 0], [length, -1]);
      const piece = productOf(backend, left, right, product);
      return before === undefined ? piece : tf.add<tf.Tensor2D>(before, piece);
    });
    before?.dispose();
  }
  return sum ?? tf.zeros([first.shape[0], second.shape[product.transposeSecond ? 0 : 1]]);
}

/** A sum in pieces of whole tiles, none too long, and what is left of a tile. */
export function sumPieces(inner: number): { readonly from: number; readonly length: number }[] {
  const whole = inner - (inner % TILE);
  const pieces: { from: number; length: number }[] = [];
  for (let from = 0; from < whole; from += LONGEST_SUM) {
    pieces.push({ from, length: Math.min(LONGEST_SUM, whole - from) });
  }
  return whole === inner ? pieces : [...pieces, { from: whole, length: inner - whole }];
}

function productOf(
  backend: TensorflowBackend,
  first: tf.Tensor2D,
  second: tf.Tensor2D,
  { precision, transposeSecond }: HalfProduct,
): tf.Tensor2D {
  const float = backend.binding.TF_FLOAT;
  const half = precision === 'bfloat16' ? TF_BFLOAT16 : TF_HALF;
  const shape: [number, number] = [first.shape[0], second.shape[transposeSecond ? 0 : 1]];
  return onHandles(backend, shape, ({ cast, execute, type, flag }) => {
    const operands = backend.getInputTensorIds([first, second]).map((operand) => cast(float, half, operand));
    const attributes = [type('T', half), flag('transpose_a', false), flag('transpose_b', transposeSecond)];
    return cast(half, float, execute('MatMul', attributes, operands));
  });
}

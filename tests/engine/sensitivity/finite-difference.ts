import * as tf from '@tensorflow/tfjs-core';

/** Reproducible values in (-scale, scale), of one sign as often as of the other. */
export function waves(shape: readonly [number, number], seed: number, scale?: number): tf.Tensor2D;
export function waves(shape: readonly [number, number, number], seed: number, scale?: number): tf.Tensor3D;
export function waves(shape: readonly number[], seed: number, scale = 1): tf.Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from(
    { length: count },
    (_, i) => scale * Math.sin(seed + i * 1.7 + i * i * 0.013),
  );
  return tf.tensor(values, [...shape]);
}

/** sum(a * b), in float64. */
export function inner(a: tf.Tensor, b: tf.Tensor): number {
  const [left, right] = [a.dataSync(), b.dataSync()];
  if (left.length !== right.length) throw new Error(`${left.length} values and ${right.length}`);
  let sum = 0;
  for (let i = 0; i < left.length; i++) sum += (left[i] ?? 0) * (right[i] ?? 0);
  return sum;
}

/** The derivative of `loss` at 0. @param step so small that the loss is next to a cubic, so large that rounding is small */
export function derivative(loss: (at: number) => number, step: number): number {
  return (loss(step) - loss(-step)) / (2 * step);
}

import * as tf from '@tensorflow/tfjs-core';

/**
 * The residual stream of all segments, in host memory: the backend holds one segment at a time. Any other [T, width]
 * activations of the segments (the inputs of a group of matrices) are kept the same way.
 */
export class HiddenStates {
  readonly width: number;
  readonly #segments: Float32Array[];

  /** @param segments one array a segment, [T, width] row-major; they belong to the hidden states from now on */
  constructor(width: number, segments: readonly Float32Array[]) {
    for (const values of segments) {
      if (values.length % width !== 0) throw new Error(`${values.length} values are not rows of ${width}`);
    }
    this.width = width;
    this.#segments = [...segments];
  }

  get segments(): number {
    return this.#segments.length;
  }

  /** Number of tokens of a segment. */
  length(segment: number): number {
    return this.values(segment).length / this.width;
  }

  /** The segment's values, [T, width] row-major. Not to be changed: a backend may still read them. */
  values(segment: number): Float32Array {
    const values = this.#segments[segment];
    if (values === undefined) throw new RangeError(`no segment ${segment} among ${this.#segments.length}`);
    return values;
  }

  /** Uploads a segment, [T, width]. The caller disposes the tensor. */
  upload(segment: number): tf.Tensor2D {
    return tf.tensor2d(this.values(segment), [this.length(segment), this.width]);
  }

  /** Downloads what the segment has become, of the same shape, and disposes the tensor. */
  store(segment: number, tensor: tf.Tensor2D): void {
    const [length, width] = tensor.shape;
    if (length !== this.length(segment) || width !== this.width) {
      throw new Error(
        `segment ${segment} is [${this.length(segment)}, ${this.width}], not [${length}, ${width}]`,
      );
    }
    // A new array, not a copy into the old one, which an upload may share.
    this.#segments[segment] = tensor.dataSync<'float32'>();
    tensor.dispose();
  }

  /** Replaces a segment by what `step` makes of it, [T, width] -> [T, width]; runs it in tf.tidy. */
  transform(segment: number, step: (hidden: tf.Tensor2D) => tf.Tensor2D): void {
    this.store(
      segment,
      tf.tidy(() => step(this.upload(segment))),
    );
  }
}

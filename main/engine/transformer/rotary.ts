import * as tf from '@tensorflow/tfjs-core';
import type { ModelDescription, RopeScaling } from '../../../shared/model.ts';

/** Cosines and sines of the rotation of every position and pair of dimensions, each [length, headDim / 2] row-major. */
export interface RotaryAngles {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/**
 * Angle per position of each pair of dimensions, [headDim / 2]. Each step is rounded to float32 where Hugging Face's
 * float32 code rounds: at position 2000 a last bit of the frequency is a visible angle.
 */
export function rotaryFrequencies(
  model: Pick<ModelDescription, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
): Float32Array {
  const frequencies = new Float32Array(model.headDim / 2);
  for (let pair = 0; pair < frequencies.length; pair++) {
    const exponent = Math.fround((2 * pair) / model.headDim);
    frequencies[pair] = 1 / Math.fround(model.ropeTheta ** exponent);
  }
  return frequencies.map((frequency) => scaleFrequency(frequency, model.ropeScaling));
}

function scaleFrequency(frequency: number, scaling: RopeScaling): number {
  switch (scaling.type) {
    case 'none':
      return frequency;
    case 'linear':
      return frequency / scaling.factor;
    case 'llama3': {
      // Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, and those between are blended.
      const wavelength = (2 * Math.PI) / frequency;
      const original = scaling.originalContextLength;
      if (wavelength < original / scaling.highFreqFactor) return frequency;
      if (wavelength > original / scaling.lowFreqFactor) return frequency / scaling.factor;
      const kept =
        (original / wavelength - scaling.lowFreqFactor) / (scaling.highFreqFactor - scaling.lowFreqFactor);
      return ((1 - kept) * frequency) / scaling.factor + kept * frequency;
    }
  }
}

export function rotaryAngles(
  model: Pick<ModelDescription, 'headDim' | 'ropeTheta' | 'ropeScaling'>,
  length: number,
): RotaryAngles {
  const frequencies = rotaryFrequencies(model);
  const cos = new Float32Array(length * frequencies.length);
  const sin = new Float32Array(length * frequencies.length);
  let at = 0;
  for (let position = 0; position < length; position++) {
    for (const frequency of frequencies) {
      const angle = Math.fround(position * frequency);
      cos[at] = Math.cos(angle);
      sin[at] = Math.sin(angle);
      at++;
    }
  }
  return { cos, sin };
}

/**
 * Rotates each head of `x` [heads, T, headDim] by its token's position. A pair is (i, i + headDim / 2): the half-split
 * convention of Hugging Face checkpoints. `cos` and `sin` are [T, headDim / 2].
 */
export function rotate(x: tf.Tensor3D, cos: tf.Tensor2D, sin: tf.Tensor2D): tf.Tensor3D {
  return tf.tidy(() => {
    const [first, second] = tf.split(x, 2, -1);
    if (first === undefined || second === undefined)
      throw new Error(`cannot halve the heads of [${x.shape.join(', ')}]`);
    return tf.concat(
      [
        tf.sub<tf.Tensor3D>(tf.mul(first, cos), tf.mul(second, sin)),
        tf.add<tf.Tensor3D>(tf.mul(second, cos), tf.mul(first, sin)),
      ],
      -1,
    );
  });
}

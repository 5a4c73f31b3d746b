import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RopeScaling } from '../../../shared/model.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { rotaryAngles, rotaryFrequencies, rotate } from '../../../main/engine/transformer/rotary.ts';

beforeAll(startTestBackend);

const LLAMA3: RopeScaling = {
  type: 'llama3',
  factor: 8,
  lowFreqFactor: 1,
  highFreqFactor: 4,
  originalContextLength: 8192,
};

/** LlamaRotaryEmbedding of transformers 5.23.0 with heads of 128: frequencies of some pairs, cosine and sine at places. */
const EXPECTED: {
  readonly name: string;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
  readonly frequencies: readonly (readonly [pair: number, frequency: number])[];
  readonly angles: readonly (readonly [position: number, pair: number, cos: number, sin: number])[];
}[] = [
  {
    name: 'no scaling',
    ropeTheta: 10000,
    ropeScaling: { type: 'none' },
    frequencies: [
      [0, 1],
      [1, 0.8659643530845642],
      [31, 0.011547819711267948],
      [63, 0.00011547819303814322],
    ],
    angles: [
      [1, 0, 0.540302336, 0.841470957],
      [511, 1, -0.897476375, 0.44106248],
      [2047, 5, -0.591644168, -0.806199193],
      [8191, 3, -0.932833254, -0.360308349],
      [8191, 30, -0.747172713, 0.664629877],
    ],
  },
  {
    name: 'linear scaling by 4',
    ropeTheta: 10000,
    ropeScaling: { type: 'linear', factor: 4 },
    frequencies: [
      [0, 0.25],
      [10, 0.05928434059023857],
      [63, 2.8869548259535804e-5],
    ],
    angles: [
      [1, 0, 0.968912423, 0.247403964],
      [511, 1, -0.78307426, -0.621928155],
      [8191, 30, -0.56765002, 0.823269963],
    ],
  },
  {
    // Pairs to 28 are kept, from 36 on stretched, 29 to 35 blended.
    name: 'the scaling of Llama 3.1',
    ropeTheta: 500000,
    ropeScaling: LLAMA3,
    frequencies: [
      [0, 1],
      [10, 0.12868738174438477],
      [28, 0.0032114461064338684],
      [29, 0.0021665706299245358],
      [30, 0.0013718936825171113],
      [32, 0.0005248460220173001],
      [36, 7.784655463183299e-5],
      [63, 3.068925877869333e-7],
    ],
    angles: [
      [511, 1, -0.008382481, 0.999964893],
      [2047, 5, 0.688135445, -0.725582242],
      [8191, 3, -0.175013468, -0.984566033],
      [8191, 30, 0.2392627, -0.970954895],
    ],
  },
];

describe.each(EXPECTED)(
  'rotary position embedding, $name',
  ({ ropeTheta, ropeScaling, frequencies, angles }) => {
    const model = { headDim: 128, ropeTheta, ropeScaling };

    it('has the frequencies of transformers to a last bit of float32', () => {
      const made = rotaryFrequencies(model);
      for (const [pair, frequency] of frequencies) {
        expect((made[pair] ?? NaN) / frequency).toBeCloseTo(1, 6);
      }
    });

    it('has its cosines and sines at far positions too', () => {
      const { cos, sin } = rotaryAngles(model, 8192);
      for (const [position, pair, expectedCos, expectedSin] of angles) {
        expect(Math.abs((cos[position * 64 + pair] ?? NaN) - expectedCos)).toBeLessThan(2e-7);
        expect(Math.abs((sin[position * 64 + pair] ?? NaN) - expectedSin)).toBeLessThan(2e-7);
      }
    });
  },
);

describe('rotate', () => {
  it('turns the pair (i, i + half) by its angle', () => {
    const x = tf.tensor3d([1, 2, 3, 4], [1, 1, 4]);
    const turned = rotate(x, tf.tensor2d([[0, 1]]), tf.tensor2d([[1, 0]]));
    expect([...turned.dataSync()]).toEqual([-3, 2, 1, 4]);
  });

  it('makes the product of a query and a key depend on their distance alone', () => {
    const { cos, sin } = rotaryAngles({ headDim: 8, ropeTheta: 100, ropeScaling: { type: 'none' } }, 12);
    const vector = (values: number[]): tf.Tensor3D => tf.tile(tf.tensor3d(values, [1, 1, 8]), [1, 12, 1]);
    const tables = [tf.tensor2d(cos, [12, 4]), tf.tensor2d(sin, [12, 4])] as const;
    const query = rotate(vector([1, -2, 3, 0.5, 2, 1, -1, 4]), ...tables);
    const key = rotate(vector([0.5, 1, -1, 2, 3, -2, 1, 1]), ...tables);
    const products = tf.matMul(query, key, false, true).dataSync();
    const product = (queryAt: number, keyAt: number): number => products[queryAt * 12 + keyAt] ?? NaN;
    expect(product(11, 6)).toBeCloseTo(product(5, 0), 4);
    expect(product(4, 4)).toBeCloseTo(1 * 0.5 - 2 - 3 + 1 + 6 - 2 - 1 + 4, 4);
    expect(Math.abs(product(5, 0) - product(4, 4))).toBeGreaterThan(0.1);
  });
});

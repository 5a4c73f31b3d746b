import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { forwardProduct, setForwardPrecision } from '../../../main/engine/tensors/forward-product.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { Random } from '../../oracle/random.ts';
import { bfloat } from './half-rounding.ts';
import { TEST_ENGINE, startTestBackend } from './test-backend.ts';

beforeAll(startTestBackend);
afterEach(() => setForwardPrecision('float32'));

const [TOKENS, INPUTS, OUTPUTS] = [5, 64, 7];
const random = new Random(91);
const x = random.floats(TOKENS * INPUTS, () => random.student(5));
const weight = random.floats(OUTPUTS * INPUTS, () => random.student(5));

const ROUND = {
  float32: Math.fround,
  bfloat16: bfloat,
  float16: Math.f16round,
};
/** Half of the distance between neighbours, relative: what one rounding costs at most. */
const EPSILON = { float32: 2 ** -24, bfloat16: 2 ** -8, float16: 2 ** -11 };

/** The largest error of the product against float64 on operands rounded to the precision, in shares of sum |x| |w|. */
function largestError(precision: keyof typeof ROUND): number {
  const product = tf.tidy(() =>
    forwardProduct(tf.tensor2d(x, [TOKENS, INPUTS]), tf.tensor2d(weight, [OUTPUTS, INPUTS])),
  );
  const values = product.dataSync();
  product.dispose();
  let largest = 0;
  for (let token = 0; token < TOKENS; token++) {
    for (let out = 0; out < OUTPUTS; out++) {
      let sum = 0;
      let size = 0;
      for (let i = 0; i < INPUTS; i++) {
        const term =
          ROUND[precision](x[token * INPUTS + i] ?? NaN) * ROUND[precision](weight[out * INPUTS + i] ?? NaN);
        sum += term;
        size += Math.abs(term);
      }
      largest = Math.max(largest, Math.abs((values[token * OUTPUTS + out] ?? NaN) - sum) / size);
    }
  }
  return largest;
}

describe('forwardProduct', () => {
  it('is x W^T to float32 rounding where nothing else is asked for', () => {
    expect(largestError('float32')).toBeLessThan(8 * EPSILON.float32);
  });

  if (TEST_ENGINE === 'wasm') {
    it.each(['bfloat16', 'float16'] as const)('refuses %s without TensorFlow', (precision) => {
      expect(() => setForwardPrecision(precision)).toThrow(
        `The forward pass in ${precision} needs TensorFlow`,
      );
    });
  } else {
    it.each(['bfloat16', 'float16'] as const)('rounds operands and product to %s', (precision) => {
      setForwardPrecision(precision);
      const before = tensorflowInUse()?.getNumOfTFTensors();
      const error = largestError(precision);
      expect(error).toBeLessThan(1.1 * EPSILON[precision]);
      // More than float32 would leave: it was in half precision indeed.
      expect(error).toBeGreaterThan(EPSILON[precision] / 64);
      expect(tensorflowInUse()?.getNumOfTFTensors()).toBe(before);
    });

    it('adds a long sum up piece by piece, in the room of a few products', async () => {
      setForwardPrecision('bfloat16');
      const [rows, pieces] = [512, 8];
      const operand = tf.ones<tf.Rank.R2>([rows, 768 * pieces]);
      const before = tf.memory().numBytes;
      const { peakBytes, result } = await tf.profile(() => forwardProduct(operand, operand));
      // The sums before and behind a piece, its product, and the piece of each operand.
      expect(peakBytes - before).toBeLessThanOrEqual(3 * 4 * rows ** 2 + 2 * 4 * rows * 768);
      tf.dispose([operand, result]);
      expect(tf.memory().numBytes).toBe(before - operand.size * 4);
    });
  }
});

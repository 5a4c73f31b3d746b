import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CarryPrecision,
  carryPrecision,
  carryProduct,
} from '../../../main/engine/tensors/carry-product.ts';
import { processorInstructionSets } from '../../../main/engine/tensors/processor.ts';
import { tensorflowInUse } from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import { Random } from '../../oracle/random.ts';
import { bfloat } from './half-rounding.ts';
import { TEST_ENGINE, startTestBackend } from './test-backend.ts';

beforeAll(startTestBackend);

const [ROWS, BEFORE, COLUMNS] = [6, 96, 11];
const random = new Random(92);
const errors = random.floats(ROWS * BEFORE, () => random.student(5));
const upper = random.floats(BEFORE * COLUMNS, () => random.student(5));

/** Largest difference from float64's products of the operands, rounded first, in shares of sum |e| |u|. */
function largestError(precision: CarryPrecision, round: (value: number) => number): number {
  const product = tf.tidy(() =>
    carryProduct(tf.tensor2d(errors, [ROWS, BEFORE]), tf.tensor2d(upper, [BEFORE, COLUMNS]), precision),
  );
  const values = product.dataSync();
  product.dispose();
  let largest = 0;
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      let sum = 0;
      let size = 0;
      for (let i = 0; i < BEFORE; i++) {
        const term = round(errors[row * BEFORE + i] ?? NaN) * round(upper[i * COLUMNS + column] ?? NaN);
        sum += term;
        size += Math.abs(term);
      }
      largest = Math.max(largest, Math.abs((values[row * COLUMNS + column] ?? NaN) - sum) / size);
    }
  }
  return largest;
}

describe('carryProduct', () => {
  it('is the product to float32 rounding', () => {
    expect(largestError('float32', Math.fround)).toBeLessThan(2 ** -21);
  });

  it.runIf(TEST_ENGINE !== 'wasm')('rounds operands and product to bfloat16', () => {
    const before = tensorflowInUse()?.getNumOfTFTensors();
    const error = largestError('bfloat16', bfloat);
    expect(error).toBeLessThan(1.1 * 2 ** -8);
    expect(error).toBeGreaterThan(2 ** -14);
    expect(tensorflowInUse()?.getNumOfTFTensors()).toBe(before);
  });

  it.runIf(TEST_ENGINE === 'wasm')('needs TensorFlow for bfloat16', () => {
    expect(() => largestError('bfloat16', bfloat)).toThrow('only TensorFlow multiplies in bfloat16');
  });
});

it('is bfloat16 only where the processor has tiles of it', () => {
  const hasTiles = processorInstructionSets()?.has('amx_bf16') === true;
  expect(carryPrecision()).toBe(TEST_ENGINE !== 'wasm' && hasTiles ? 'bfloat16' : 'float32');
});

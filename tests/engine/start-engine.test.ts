import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { startEngine } from '../../main/engine/start-engine.ts';
import { forwardProduct } from '../../main/engine/tensors/forward-product.ts';
import { TEST_ENGINE } from './tensors/test-backend.ts';

/** More than an array can have: the pool cannot be started. */
const TOO_MANY_THREADS = 2 ** 32;
/** Lost where operands are rounded to half precision. */
const FINE = 1 + 2 ** -20;

/** FINE times 1. */
function product(): number | undefined {
  return tf.tidy(() => forwardProduct(tf.tensor2d([[FINE]]), tf.tensor2d([[1]])).dataSync()[0]);
}

describe('startEngine', () => {
  if (TEST_ENGINE === 'wasm') {
    it('refuses half precision without TensorFlow, and starts without it afterwards', async () => {
      const options = { engine: TEST_ENGINE, threads: 1 } as const;
      await expect(startEngine({ ...options, forwardPrecision: 'float16' })).rejects.toMatchObject({
        code: 'engine/backend-unavailable',
      });
      const engine = await startEngine(options);
      expect([engine.forwardPrecision, product()]).toEqual(['float32', FINE]);
      await engine.stop();
    });
  } else {
    it('leaves the forward pass in float32 when it stops', async () => {
      const engine = await startEngine({ engine: TEST_ENGINE, threads: 1, forwardPrecision: 'bfloat16' });
      expect(product()).toBe(1);
      await engine.stop();
      expect(product()).toBe(FINE);
    });

    it('leaves the forward pass in float32 where it cannot start its threads', async () => {
      const options = { engine: TEST_ENGINE, forwardPrecision: 'bfloat16' } as const;
      await expect(startEngine({ ...options, threads: TOO_MANY_THREADS })).rejects.toThrow(RangeError);
      expect(product()).toBe(FINE);
    });
  }
});

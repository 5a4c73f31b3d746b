import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { tensorErrors } from '../../../main/engine/tensors/tensor-errors.ts';
import { ClaqError } from '../../../shared/errors.ts';
import { TEST_ENGINE, startTestBackend } from './test-backend.ts';

describe('tensorErrors', () => {
  // The first is what TensorFlow 2.21 says on a CPU, the others are CUDA's.
  it.each([
    'OOM when allocating tensor with shape[65536,65536,4096] and type float on /job:localhost by allocator cpu',
    'RESOURCE_EXHAUSTED: failed to allocate memory',
    'CUDA_ERROR_OUT_OF_MEMORY: out of memory',
    'Failed copying input tensor from CPU:0 to GPU:0 in order to run MatMul: Dst tensor is not initialized.',
    'Attempting to perform BLAS operation: CUBLAS_STATUS_ALLOC_FAILED',
  ])('tells of memory that ran out: %s', async (message) => {
    await expect(tensorErrors(() => Promise.reject(new Error(`${message}\nmore`)))).rejects.toMatchObject({
      code: 'engine/out-of-memory',
      found: message,
    });
    await expect(
      tensorErrors(() => {
        throw new Error(message);
      }),
    ).rejects.toMatchObject({ code: 'engine/out-of-memory' });
  });

  if (TEST_ENGINE !== 'wasm') {
    it('knows the words of TensorFlow itself', async () => {
      await startTestBackend();
      const terabytes = (): unknown =>
        tf.tidy(() => tf.matMul(tf.ones<tf.Rank.R2>([1 << 20, 1]), tf.ones<tf.Rank.R2>([1, 1 << 20])));
      await expect(tensorErrors(terabytes)).rejects.toMatchObject({
        code: 'engine/out-of-memory',
        found: expect.stringMatching(/^Message: OOM when allocating/) as unknown,
      });
    });
  }

  it('leaves other errors and results alone', async () => {
    const own = new ClaqError('run/cancelled', 'out of memory is not what it is about');
    await expect(tensorErrors(() => Promise.reject(own))).rejects.toBe(own);
    const other = new RangeError('a shape does not fit');
    await expect(tensorErrors(() => Promise.reject(other))).rejects.toBe(other);
    expect(await tensorErrors(() => 3)).toBe(3);
  });
});

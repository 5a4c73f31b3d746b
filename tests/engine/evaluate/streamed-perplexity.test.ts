import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { evaluatePerplexity } from '../../../main/engine/evaluate/perplexity.ts';
import { streamedPerplexity } from '../../../main/engine/evaluate/streamed-perplexity.ts';
import { setForwardPrecision } from '../../../main/engine/tensors/forward-product.ts';
import type { MatrixRows } from '../../../main/engine/transformer/streamed-linear.ts';
import type { Progress } from '../../../shared/progress.ts';
import { FAMILY_MODELS, familyFolder, readExpected } from '../../golden/families.ts';
import { TEST_ENGINE, startTestBackend } from '../tensors/test-backend.ts';

let checkpoint: Checkpoint | undefined;
beforeAll(async () => {
  await startTestBackend();
});
afterEach(() => checkpoint?.close());

/** The checkpoint's own matrices, `step` rows at a time, in memory that is used again for the next. */
function matrixOf(opened: Checkpoint, step: number) {
  return async function* (name: string): AsyncGenerator<MatrixRows> {
    const [rows = 0, columns = 0] = opened.tensors.get(name)?.shape ?? [];
    const memory = new Float32Array(step * columns);
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(rows, from + step);
      memory.set(await opened.readRows(name, from, to));
      yield { from, to, values: memory.subarray(0, (to - from) * columns) };
    }
  };
}

describe('streamedPerplexity', () => {
  it.each(FAMILY_MODELS)(
    'of %s is the one of matrices read whole, whatever the rows that are there at a time',
    async (family) => {
      checkpoint = await openCheckpoint(familyFolder(family));
      const { windows } = await readExpected(family);
      const whole = await evaluatePerplexity({ checkpoint, windows });
      for (const step of [7, 1000]) {
        const before = tf.memory().numTensors;
        const matrix = matrixOf(checkpoint, step);
        const streamed = await streamedPerplexity({ checkpoint, matrix, windows, phase: 'Evaluating' });
        expect(tf.memory().numTensors).toBe(before);
        expect(streamed).toMatchObject({
          windows: whole.windows,
          contextLength: whole.contextLength,
          tokens: whole.tokens,
        });
        streamed.windowNll.forEach((nll, window) => expect(nll).toBeCloseTo(whole.windowNll[window] ?? 0, 5));
      }
    },
  );

  if (TEST_ENGINE !== 'wasm') {
    it('is in float32, whatever the forward pass is in', async () => {
      checkpoint = await openCheckpoint(familyFolder('smollm2'));
      const { windows } = await readExpected('smollm2');
      const asked = { checkpoint, matrix: matrixOf(checkpoint, 16), windows, phase: 'Evaluating' };
      const before = await streamedPerplexity(asked);
      setForwardPrecision('bfloat16');
      try {
        expect(await streamedPerplexity(asked)).toEqual(before);
        expect(await evaluatePerplexity({ checkpoint, windows })).not.toEqual(before);
      } finally {
        setForwardPrecision('float32');
      }
    });
  }

  it('tells its progress in tokens and blocks, of a total known from the start', async () => {
    checkpoint = await openCheckpoint(familyFolder('smollm2'));
    const { windows } = await readExpected('smollm2');
    const told: Progress[] = [];
    const matrix = matrixOf(checkpoint, 16);
    await streamedPerplexity({
      checkpoint,
      matrix,
      windows,
      phase: 'Evaluating what was written',
      onProgress: (p) => told.push(p),
    });
    expect(told).toEqual([
      { phase: 'Evaluating what was written', done: 120, total: 360, unit: 'tokens', detail: 'block 1 of 2' },
      { phase: 'Evaluating what was written', done: 240, total: 360, unit: 'tokens', detail: 'block 2 of 2' },
      { phase: 'Evaluating what was written', done: 360, total: 360, unit: 'tokens', detail: 'head' },
    ]);
  });

  it('stops between rows when it is cancelled, and holds nothing', async () => {
    const opened = await openCheckpoint(familyFolder('smollm2'));
    checkpoint = opened;
    const { windows } = await readExpected('smollm2');
    const before = tf.memory().numTensors;
    const abort = new AbortController();
    let asked = 0;
    const matrix = async function* (name: string): AsyncGenerator<MatrixRows> {
      for await (const rows of matrixOf(opened, 16)(name)) {
        if (++asked === 20) abort.abort();
        yield rows;
      }
    };
    const run = streamedPerplexity({
      checkpoint,
      matrix,
      windows,
      phase: 'Evaluating',
      signal: abort.signal,
    });
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(asked).toBe(20);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses windows without a token to predict', async () => {
    checkpoint = await openCheckpoint(familyFolder('smollm2'));
    const run = streamedPerplexity({
      checkpoint,
      matrix: matrixOf(checkpoint, 16),
      windows: [Int32Array.of(1)],
      phase: 'Evaluating',
    });
    await expect(run).rejects.toMatchObject({ code: 'text/too-little' });
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Progress } from '../../../shared/progress.ts';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { PerplexityEvaluation, evaluatePerplexity } from '../../../main/engine/evaluate/perplexity.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { BlockWeights } from '../../../main/engine/transformer/block-weights.ts';
import { familyFolder, readExpected } from '../../golden/families.ts';

let checkpoint: Checkpoint;
let windows: Int32Array[];

beforeAll(async () => {
  await startTestBackend();
  checkpoint = await openCheckpoint(familyFolder('smollm2'));
  windows = (await readExpected('smollm2')).windows;
});
afterAll(() => checkpoint.close());

describe('evaluatePerplexity', () => {
  it('is the mean over windows of the mean loss of their predicted tokens, exponentiated', async () => {
    const measured = await evaluatePerplexity({ checkpoint, windows });
    // torch's float32 figure for the same model and tokens.
    expect(measured.perplexity / 86246.504036).toBeCloseTo(1, 5);
    expect(measured.meanNll).toBeCloseTo(Math.log(86246.504036), 5);
    expect(measured).toMatchObject({ windows: 3, contextLength: 40, tokens: 120 });
    const { nll } = await readExpected('smollm2');
    measured.windowNll.forEach((mean, window) => {
      const losses = nll[window] ?? new Float64Array();
      expect(mean).toBeCloseTo(losses.reduce((sum, loss) => sum + loss, 0) / 39, 5);
    });
  });

  it('gives the same number every time', async () => {
    const first = await evaluatePerplexity({ checkpoint, windows });
    expect(await evaluatePerplexity({ checkpoint, windows })).toEqual(first);
  });

  it('uses the matrices that it is given', async () => {
    const zeros = (_block: number, kind: string): Promise<Float32Array | undefined> =>
      Promise.resolve(
        kind === 'o' || kind === 'down' ? new Float32Array(48 * (kind === 'o' ? 48 : 80)) : undefined,
      );
    const replaced = await evaluatePerplexity({ checkpoint, windows, replace: zeros });
    // Blocks whose outputs are zero leave the embeddings as they are.
    const evaluation = await PerplexityEvaluation.start(checkpoint, windows);
    for (let block = 0; block < 2; block++) {
      const weights = await BlockWeights.load(checkpoint, block);
      weights.replace('o', new Float32Array(48 * 48));
      weights.replace('down', new Float32Array(48 * 80));
      await evaluation.advance(weights);
      weights.dispose();
    }
    const stepped = await evaluation.score();
    evaluation.dispose();
    expect(stepped).toEqual(replaced);
    expect(replaced.meanNll).not.toBeCloseTo(Math.log(86246.504036), 1);
  });

  it('tells its progress in tokens and blocks, of a total known from the start', async () => {
    const told: Progress[] = [];
    await evaluatePerplexity({
      checkpoint,
      windows,
      phase: 'Evaluating the original model',
      onProgress: (p) => told.push(p),
    });
    expect(told.map(({ done }) => done)).toEqual([40, 80, 120, 160, 200, 240, 280, 320, 360]);
    expect(new Set(told.map(({ phase, total, unit }) => `${phase}: ${total} ${unit}`))).toEqual(
      new Set(['Evaluating the original model: 360 tokens']),
    );
    expect(told.map(({ detail }) => detail).at(3)).toBe('block 2 of 2');
  });

  it.each([1, 7])('stops when it is cancelled after report %i, and holds nothing', async (last) => {
    const before = tf.memory().numTensors;
    const abort = new AbortController();
    let reports = 0;
    const onProgress = (): void => {
      if (++reports === last) abort.abort();
    };
    const run = evaluatePerplexity({ checkpoint, windows, onProgress, signal: abort.signal });
    await expect(run).rejects.toMatchObject({ code: 'run/cancelled' });
    expect(reports).toBe(last);
    expect(tf.memory().numTensors).toBe(before);
  });

  it.each([
    ['no window', []],
    ['windows of 1 tokens', [Int32Array.of(1)]],
  ])('refuses %s', async (found, tooLittle) => {
    await expect(evaluatePerplexity({ checkpoint, windows: tooLittle })).rejects.toMatchObject({
      code: 'text/too-little',
      found,
    });
  });

  it('does not pass off a result that is not a number', async () => {
    const huge = (): Promise<Float32Array> => Promise.resolve(new Float32Array(80 * 48).fill(3e38));
    const run = evaluatePerplexity({
      checkpoint,
      windows,
      replace: (_block, kind) => (kind === 'gate' || kind === 'up' ? huge() : Promise.resolve(undefined)),
    });
    await expect(run).rejects.toMatchObject({ code: 'engine/kernel-failed', where: 'window 0' });
  });
});

describe('PerplexityEvaluation', () => {
  it('takes blocks in order, all of them', async () => {
    const evaluation = await PerplexityEvaluation.start(checkpoint, windows);
    const second = await BlockWeights.load(checkpoint, 1);
    await expect(evaluation.advance(second)).rejects.toThrow('block 1 came before 0');
    await expect(evaluation.score()).rejects.toThrow('0 of 2 blocks are done');
    second.dispose();
    evaluation.dispose();
  });
});

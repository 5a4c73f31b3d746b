import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Checkpoint } from '../../../main/engine/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import {
  attentionInput,
  attentionMix,
  attentionOutput,
  ffnGate,
  ffnInput,
  ffnOutput,
  forwardBlock,
} from '../../../main/engine/transformer/block.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import { BlockWeights } from '../../../main/engine/transformer/block-weights.ts';
import { embedSegments } from '../../../main/engine/transformer/embedding.ts';
import { Positions } from '../../../main/engine/transformer/positions.ts';
import { familyFolder } from '../../golden/families.ts';

const IDS = Int32Array.from({ length: 20 }, (_, i) => (i * 53) % 320);
let checkpoint: Checkpoint;

beforeAll(async () => {
  await startTestBackend();
  checkpoint = await openCheckpoint(familyFolder('qwen2'));
});
afterAll(() => checkpoint.close());

describe('a block', () => {
  it('is its six stages one after the other, each of the shape that it promises', async () => {
    const { model } = checkpoint;
    const weights = await BlockWeights.load(checkpoint, 0);
    const positions = new Positions(model, new BatchSizes(20));
    const hidden = (await embedSegments(checkpoint, [IDS])).upload(0);
    const whole = forwardBlock(model, positions.of(20), hidden, weights);

    const normed = attentionInput(model, hidden, weights);
    const context = attentionMix(model, positions.of(20), normed, weights);
    const attended = attentionOutput(hidden, context, weights);
    const ffnNormed = ffnInput(model, attended, weights);
    const activated = ffnGate(ffnNormed, weights);
    const output = ffnOutput(attended, activated, weights);

    const shapes = [normed, context, attended, ffnNormed, activated, output].map(({ shape }) => shape);
    expect(shapes).toEqual([
      [20, 48],
      [20, 48],
      [20, 48],
      [20, 48],
      [20, 80],
      [20, 48],
    ]);
    expect([...output.dataSync()]).toEqual([...whole.dataSync()]);
    tf.dispose([hidden, whole, normed, context, attended, ffnNormed, activated, output]);
    weights.dispose();
    positions.dispose();
  });

  it('makes one tensor a stage and holds none when all is disposed', async () => {
    const { model } = checkpoint;
    const hidden = await embedSegments(checkpoint, [IDS, IDS.subarray(3)]);
    const before = tf.memory().numTensors;
    const weights = await BlockWeights.load(checkpoint, 1);
    const positions = new Positions(model, new BatchSizes(20));
    // Made inside of a tidy, and still there for the next segment.
    hidden.transform(0, (states) => forwardBlock(model, positions.of(20), states, weights));
    hidden.transform(1, (states) => forwardBlock(model, positions.of(17), states, weights));
    const first = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      hidden.transform(0, (states) => forwardBlock(model, positions.of(20), states, weights));
      hidden.transform(1, (states) => forwardBlock(model, positions.of(17), states, weights));
    }
    expect(tf.memory().numTensors).toBe(first);
    const states = hidden.upload(0);
    const live = tf.memory().numTensors;
    const normed = attentionInput(model, states, weights);
    const context = attentionMix(model, positions.of(20), normed, weights);
    expect(tf.memory().numTensors).toBe(live + 2);
    tf.dispose([states, normed, context]);
    weights.dispose();
    positions.dispose();
    hidden.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('BlockWeights', () => {
  it("puts replaced matrices in the checkpoint's place, and keeps biases", async () => {
    const values = new Float32Array(24 * 48).fill(0.25);
    const weights = await BlockWeights.load(checkpoint, 0, (block, kind) =>
      Promise.resolve(block === 0 && kind === 'k' ? values : undefined),
    );
    const before = tf.memory().numTensors;
    expect(new Set(weights.linear('k').weight.dataSync())).toEqual(new Set([0.25]));
    const bias = await checkpoint.read('model.layers.0.self_attn.k_proj.bias');
    expect([...(weights.linear('k').bias?.dataSync() ?? [])]).toEqual([...bias]);
    const q = await checkpoint.read('model.layers.0.self_attn.q_proj.weight');
    expect([...weights.linear('q').weight.dataSync()]).toEqual([...q]);

    weights.replace('q', new Float32Array(48 * 48).fill(2));
    expect(new Set(weights.linear('q').weight.dataSync())).toEqual(new Set([2]));
    expect(weights.linear('q').bias).toBeDefined();
    expect(weights.linear('o').bias).toBeUndefined();
    expect(tf.memory().numTensors).toBe(before);
    weights.dispose();
  });

  it('frees what it has read when a tensor cannot be read', async () => {
    const before = tf.memory().numTensors;
    await expect(BlockWeights.load(checkpoint, 2)).rejects.toMatchObject({ code: 'weights/missing-tensor' });
    const failing = BlockWeights.load(checkpoint, 0, (_block, kind) =>
      kind === 'up' ? Promise.reject(new Error('no such result')) : Promise.resolve(undefined),
    );
    await expect(failing).rejects.toThrow('no such result');
    expect(tf.memory().numTensors).toBe(before);
  });
});

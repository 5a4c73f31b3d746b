import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../main/engine/checkpoint/open-checkpoint.ts';
import { blockGradient } from '../../../main/engine/sensitivity/block-gradient.ts';
import { BatchSizes } from '../../../main/engine/transformer/batch-sizes.ts';
import {
  attentionInput,
  attentionMix,
  attentionOutput,
  ffnGate,
  ffnInput,
  forwardBlock,
} from '../../../main/engine/transformer/block.ts';
import { BlockWeights } from '../../../main/engine/transformer/block-weights.ts';
import { Positions } from '../../../main/engine/transformer/positions.ts';
import { MATRIX_KINDS, type MatrixKind } from '../../../shared/model.ts';
import { type FamilyModel, familyFolder } from '../../golden/families.ts';
import { startTestBackend } from '../tensors/test-backend.ts';
import { derivative, inner, waves } from './finite-difference.ts';

beforeAll(startTestBackend);

const LENGTH = 12;
/** Of a derivative to the finite difference; float32 gives the latter to three digits. */
const DIGITS = 2;

describe.each<FamilyModel>(['qwen3', 'llama-biases'])('a block of %s', (name) => {
  it('has the gradients that a step along its input and along each matrix shows', async () => {
    const checkpoint = await openCheckpoint(familyFolder(name));
    const { model } = checkpoint;
    const weights = await BlockWeights.load(checkpoint, 1);
    await checkpoint.close();
    const positions = new Positions(model, new BatchSizes(LENGTH));
    const at = { model, positions: positions.of(LENGTH), weights, tokens: 5 };
    tf.tidy(() => {
      const hidden = waves([LENGTH, model.hiddenSize], 1);
      const gradient = waves([LENGTH, model.hiddenSize], 2);
      const loss = (from: tf.Tensor2D): number =>
        tf.tidy(() => inner(forwardBlock(model, at.positions, from, weights), gradient));

      const parts = new Map<MatrixKind, { from: number; values: tf.Tensor2D }[]>();
      const ofInput = blockGradient(at, hidden, gradient, (kind, part, from) => {
        parts.set(kind, [...(parts.get(kind) ?? []), { from, values: tf.keep(tf.clone(part)) }]);
      });
      const direction = waves([LENGTH, model.hiddenSize], 3);
      const alongInput = derivative((step) => loss(tf.add(hidden, tf.mul(direction, step))), 0.003);
      expect(inner(ofInput, direction) / alongInput).toBeCloseTo(1, DIGITS);

      const normed = attentionInput(model, hidden, weights);
      const context = attentionMix(model, at.positions, normed, weights);
      const ffnNormed = ffnInput(model, attentionOutput(hidden, context, weights), weights);
      const inputs: Record<MatrixKind, tf.Tensor2D> = {
        q: normed,
        k: normed,
        v: normed,
        o: context,
        gate: ffnNormed,
        up: ffnNormed,
        down: ffnGate(ffnNormed, weights),
      };
      for (const kind of MATRIX_KINDS) {
        const ofOutput = parts.get(kind) ?? [];
        const inBatches = ['gate', 'up', 'down'].includes(kind);
        expect(ofOutput.map(({ from }) => from)).toEqual(inBatches ? [0, 5, 10] : [0]);
        const { weight } = weights.linear(kind);
        const original = weight.dataSync<'float32'>().slice();
        const [rows, columns] = weight.shape;
        const left = waves([rows, 1], 4);
        const right = waves([columns, 1], 5);
        // W + step left right^T moves the output at each token by step left (right . x).
        const moved = tf.matMul(tf.matMul(inputs[kind], right), left, false, true);
        const expected = derivative((step) => {
          const change = tf.matMul(left, right, false, true).dataSync();
          weights.replace(
            kind,
            original.map((value, i) => value + step * (change[i] ?? 0)),
          );
          return loss(hidden);
        }, 0.001);
        weights.replace(kind, original);
        expect(
          inner(
            tf.concat2d(
              ofOutput.map(({ values }) => values),
              0,
            ),
            moved,
          ) / expected,
        ).toBeCloseTo(1, DIGITS);
        tf.dispose(ofOutput.map(({ values }) => values));
      }
    });
    weights.dispose();
    positions.dispose();
  });
});

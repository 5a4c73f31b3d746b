import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../main/engine/checkpoint/config.ts';
import { OutputSquares } from '../../../main/engine/sensitivity/output-squares.ts';
import { SMALL_CONFIG } from '../checkpoint/small-model.ts';
import { startTestBackend } from '../tensors/test-backend.ts';

beforeAll(startTestBackend);

/** Keys are 4 wide. */
const MODEL = parseConfig(JSON.stringify(SMALL_CONFIG), 'config.json');

describe('OutputSquares', () => {
  it('gives mean and median over tokens of their mean over rows, and the mean of each row', () => {
    const squares = new OutputSquares(MODEL, 3);
    tf.tidy(() => {
      squares.record('k', tf.tensor2d([1, 2, 3, 4], [1, 4]), 2);
      squares.record('k', tf.tensor2d([0, 0, 0, 2, 4, 0, 0, -4], [2, 4]), 0);
    });
    const [, key, ...others] = squares.summary(5);
    // The tokens' means are 1, 8 and 7.5.
    expect(key).toEqual({
      block: 5,
      kind: 'k',
      mean: 5.5,
      median: 7.5,
      rows: Float32Array.of(17 / 3, 4 / 3, 3, 12),
    });
    expect(others[0]).toEqual({ block: 5, kind: 'v', mean: 0, median: 0, rows: new Float32Array(4) });
    expect(others.map(({ kind }) => kind)).toEqual(['v', 'o', 'gate', 'up', 'down']);
  });

  it('takes over the tokens of a segment but the last', () => {
    const squares = new OutputSquares(MODEL, 4);
    const segment = new OutputSquares(MODEL, 3);
    tf.tidy(() => {
      segment.record('v', tf.tensor2d([1, 1, 1, 1, 3, 3, 3, 3, 0, 0, 0, 0], [3, 4]), 0);
    });
    squares.append(segment, 2, 0);
    squares.append(segment, 2, 2);
    expect(squares.summary(0)[2]).toEqual({
      block: 0,
      kind: 'v',
      mean: 5,
      median: 5,
      rows: Float32Array.of(5, 5, 5, 5),
    });
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boundedDrift, tokenWeight } from '../../../main/engine/claq/bounded-drift.ts';
import { type Engine, startEngine } from '../../../main/engine/start-engine.ts';
import { TEST_ENGINE } from '../tensors/test-backend.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({ threads: 1, engine: TEST_ENGINE });
});
afterAll(() => engine.stop());

describe('a token that misses much', () => {
  it('counts in full up to the root of twice the median square, and no more beyond', () => {
    expect([0, 1, 8].map((square) => tokenWeight(square, 4))).toEqual([1, 1, 1]);
    // |delta| = 10, held to sqrt(8).
    expect(10 * tokenWeight(100, 4)).toBeCloseTo(Math.sqrt(8), 12);
  });

  it('counts for nothing where most miss nothing, and then those count in full', () => {
    expect([tokenWeight(0, 0), tokenWeight(9, 0)]).toEqual([1, 0]);
  });

  it('is told by the median of all of the segment, whatever the parts', () => {
    const tensors = tf.memory().numTensors;
    // Squares 1, 1, 4, 25, 400: the median is 4, and 8 the most.
    const rows = [
      [1, 0],
      [0, -1],
      [2, 0],
      [3, 4],
      [-12, 16],
    ];
    const expected = rows.map(([x = 0, y = 0]) => {
      const square = x * x + y * y;
      const weight = square > 8 ? Math.sqrt(8 / square) : 1;
      return [x * weight, y * weight];
    });
    for (const cut of [1, 4, 5]) {
      const parts = [rows.slice(0, cut), rows.slice(cut)].filter(({ length }) => length > 0);
      const missed = parts.map((part) => tf.tensor2d(part));
      const bounded = boundedDrift(missed);
      const values = bounded.flatMap((part) => [...part.dataSync()]);
      for (const [i, value] of expected.flat().entries()) expect(values[i]).toBeCloseTo(value, 6);
      expect(bounded.map(({ shape }) => shape)).toEqual(missed.map(({ shape }) => shape));
      tf.dispose([missed, bounded]);
    }
    expect(tf.memory().numTensors).toBe(tensors);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startTestBackend } from '../tensors/test-backend.ts';
import { HiddenStates } from '../../../main/engine/transformer/hidden-states.ts';

beforeAll(startTestBackend);

describe('HiddenStates', () => {
  it('brings segments of different lengths to the backend and back', () => {
    const hidden = new HiddenStates(2, [Float32Array.of(1, 2, 3, 4), Float32Array.of(5, 6)]);
    expect([hidden.segments, hidden.length(0), hidden.length(1)]).toEqual([2, 2, 1]);
    const before = tf.memory().numTensors;
    hidden.transform(1, (states) => tf.add(states, 10));
    expect(tf.memory().numTensors).toBe(before);
    expect([...hidden.values(0)]).toEqual([1, 2, 3, 4]);
    expect([...hidden.values(1)]).toEqual([15, 16]);
  });

  it('leaves the array that a tensor was made of as it was', () => {
    const values = Float32Array.of(1, 2);
    const hidden = new HiddenStates(2, [values]);
    hidden.transform(0, (states) => tf.mul(states, 3));
    expect([...values]).toEqual([1, 2]);
    expect([...hidden.values(0)]).toEqual([3, 6]);
  });

  it('refuses what is not the segment', () => {
    const hidden = new HiddenStates(2, [Float32Array.of(1, 2)]);
    expect(() => hidden.store(0, tf.zeros<tf.Rank.R2>([1, 3]))).toThrow('segment 0 is [1, 2], not [1, 3]');
    expect(() => hidden.values(1)).toThrow('no segment 1 among 1');
    expect(() => new HiddenStates(2, [new Float32Array(3)])).toThrow('3 values are not rows of 2');
  });
});

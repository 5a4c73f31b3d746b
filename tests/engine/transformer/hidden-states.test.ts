import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  isHostBackend,
  tensorflowInUse,
} from '../../../main/engine/tensors/tensorflow/tensorflow-backend.ts';
import type { TokenRange } from '../../../main/engine/transformer/batch-sizes.ts';
import { DeviceRoom } from '../../../main/engine/transformer/device-room.ts';
import { HiddenStates } from '../../../main/engine/transformer/hidden-states.ts';
import { HostMemory } from '../../../main/engine/transformer/host-memory.ts';
import { startTestBackend } from '../tensors/test-backend.ts';

beforeAll(startTestBackend);

const held = (): number => tensorflowInUse()?.getNumOfTFTensors() ?? tf.memory().numTensors;

/** Of two values a token. */
function hiddenOf(...segments: (readonly number[])[]): HiddenStates {
  const hidden = new HiddenStates(
    2,
    segments.map(({ length }) => length / 2),
  );
  segments.forEach((values, segment) => {
    for (let token = 0; token < values.length / 2; token++) {
      hidden.setToken(segment, token, Float32Array.from(values.slice(2 * token, 2 * token + 2)));
    }
  });
  return hidden;
}

describe('HiddenStates', () => {
  it('brings segments of different lengths to the backend and back', () => {
    const hidden = hiddenOf([1, 2, 3, 4], [5, 6]);
    expect([hidden.segments, hidden.length(0), hidden.length(1)]).toEqual([2, 2, 1]);
    const before = tf.memory().numTensors;
    hidden.transform(1, (states) => tf.add(states, 10));
    expect([...hidden.values(0)]).toEqual([1, 2, 3, 4]);
    expect([...hidden.values(1)]).toEqual([15, 16]);
    hidden.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it("keeps a tensor where the memory of tensors is the host's, of what has a place in memory", () => {
    const before = held();
    const memory = new HostMemory({ bytes: 16 });
    const hidden = new HiddenStates(2, [2, 1], memory);
    hidden.compute(0, 2, () => tf.add(tf.tensor2d([1, 1, 1, 1], [2, 2]), [0, 1]));
    // The second has no place: it is in a file.
    hidden.compute(1, 1, () => tf.tensor2d([5, 6], [1, 2]));
    const kept = isHostBackend() ? 1 : 0;
    expect(held()).toBe(before + kept);

    const [whole, last] = [hidden.upload(0), hidden.upload(0, { from: 1, to: 2 })];
    hidden.transform(0, (states) => tf.mul(states, 2));
    hidden.setToken(0, 1, Float32Array.of(9, 10));
    expect([...hidden.values(0)]).toEqual([2, 4, 9, 10]);
    expect([...hidden.values(0, { from: 1, to: 2 })]).toEqual([9, 10]);
    expect([...hidden.values(1)]).toEqual([5, 6]);
    // Whoever has one keeps it.
    expect([whole.arraySync(), last.arraySync()]).toEqual([
      [
        [1, 2],
        [1, 2],
      ],
      [[1, 2]],
    ]);
    tf.dispose([whole, last]);
    hidden.dispose();
    expect(memory.taken).toBe(0);
    expect(held()).toBe(before);
  });

  it('keeps a tensor of what a device has room for, until it has to leave', () => {
    const before = held();
    const memory = new HostMemory({ bytes: 100 });
    const room = new DeviceRoom(20);
    const hidden = new HiddenStates(2, [2, 1], memory, room);
    // Memory that is the host's anyway is nothing to stay in.
    const kept = isHostBackend() ? 0 : 1;
    expect(room.taken).toBe(16 * kept);
    // A place in host memory for all of them all the same: they may have to leave.
    expect(memory.taken).toBe(24);
    hidden.compute(0, 2, () => tf.add(tf.tensor2d([1, 1, 1, 1], [2, 2]), [0, 1]));
    hidden.compute(1, 1, () => tf.tensor2d([5, 6], [1, 2]));
    if (!isHostBackend()) expect(held()).toBe(before + kept);
    hidden.transform(0, (states) => tf.mul(states, 2));
    expect([...hidden.values(0)]).toEqual([2, 4, 2, 4]);

    expect(room.clear()).toBe(kept === 1);
    expect(room.taken).toBe(0);
    if (!isHostBackend()) expect(held()).toBe(before);
    expect([...hidden.values(0)]).toEqual([2, 4, 2, 4]);
    hidden.transform(0, (states) => tf.add(states, 1));
    expect([...hidden.values(0)]).toEqual([3, 5, 3, 5]);
    expect([...hidden.values(1)]).toEqual([5, 6]);
    hidden.dispose();
    expect([room.taken, memory.taken]).toEqual([0, 0]);
    expect(held()).toBe(before);
  });

  it('leaves the array that a tensor was made of as it was', () => {
    const hidden = hiddenOf([1, 2]);
    const values = hidden.values(0);
    hidden.transform(0, (states) => tf.mul(states, 3));
    expect([...values]).toEqual([1, 2]);
    expect([...hidden.values(0)]).toEqual([3, 6]);
  });

  it('takes a segment in batches of tokens, the last one shorter', () => {
    const hidden = hiddenOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const seen: TokenRange[] = [];
    const step = (states: tf.Tensor2D, rows: TokenRange): tf.Tensor2D => {
      seen.push(rows);
      return tf.add(tf.mul(states, 10), rows.from);
    };
    hidden.transform(0, step, 2);
    expect(seen).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 4 },
      { from: 4, to: 5 },
    ]);
    expect([...hidden.values(0)]).toEqual([10, 20, 30, 40, 52, 62, 72, 82, 94, 104]);
    const middle = hidden.upload(0, { from: 1, to: 3 });
    expect(middle.arraySync()).toEqual([
      [30, 40],
      [52, 62],
    ]);
    middle.dispose();
  });

  it('is as it was where a step fails, and holds no tensor of it', () => {
    const hidden = hiddenOf([1, 2, 3, 4]);
    const before = held();
    const failing = (states: tf.Tensor2D, { from }: TokenRange): tf.Tensor2D => {
      const sum = tf.add<tf.Tensor2D>(states, 1);
      if (from > 0) throw new Error('no memory');
      return sum;
    };
    expect(() => hidden.transform(0, failing, 1)).toThrow('no memory');
    expect([...hidden.values(0)]).toEqual([1, 2, 3, 4]);
    expect(held()).toBe(before);
  });

  it('refuses what is not the segment', () => {
    const hidden = hiddenOf([1, 2]);
    const before = held();
    expect(() => hidden.transform(0, () => tf.zeros<tf.Rank.R2>([1, 3]))).toThrow(
      'expected [1, 2], found [1, 3]',
    );
    expect(held()).toBe(before);
    expect(() => hidden.values(1)).toThrow('no segment 1 among 1');
    expect(() => new HiddenStates(2, [1]).values(0)).toThrow('segment 0 has not come this far');
  });

  it('gives its memory back', () => {
    const memory = new HostMemory({ bytes: 100 });
    const hidden = new HiddenStates(2, [3, 4], memory);
    expect(memory.taken).toBe(56);
    hidden.dispose();
    hidden.dispose();
    expect(memory.taken).toBe(0);
  });
});

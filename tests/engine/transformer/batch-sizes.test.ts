import { describe, expect, it } from 'vitest';
import {
  BatchSizes,
  shrinkNote,
  tokenRanges,
  withSmallerBatches,
} from '../../../main/engine/transformer/batch-sizes.ts';
import { DeviceRoom } from '../../../main/engine/transformer/device-room.ts';

const NO_MEMORY = 'OOM when allocating tensor with shape[2048,11008] and type float';

describe('BatchSizes', () => {
  it('begins with whole segments and halves down to 64 tokens and 16 queries', () => {
    const told: string[] = [];
    const sizes = new BatchSizes(1500, (each) => told.push(shrinkNote(each)));
    expect([sizes.tokens, sizes.queries]).toEqual([1500, 256]);
    const seen: number[][] = [];
    while (sizes.shrink()) seen.push([sizes.tokens, sizes.queries]);
    expect(seen).toEqual([
      [750, 128],
      [375, 64],
      [188, 32],
      [94, 16],
      [64, 16],
    ]);
    expect(told).toHaveLength(5);
    expect(told[0]).toBe('Device memory is short: going on with 750 tokens and 128 queries at a time');
    expect(sizes.shrink()).toBe(false);
  });

  it('has activations leave the device before it halves anything', () => {
    const room = new DeviceRoom(10);
    const resident = { moveOut: () => room.leave(resident) };
    room.settle(resident);
    const sizes = new BatchSizes(1500, undefined, room);
    expect(sizes.shrink()).toBe(true);
    expect([sizes.tokens, sizes.queries]).toEqual([1500, 256]);
    expect(sizes.shrink()).toBe(true);
    expect([sizes.tokens, sizes.queries]).toEqual([750, 128]);
  });

  it('does not make short segments longer', () => {
    const sizes = new BatchSizes(20);
    expect([sizes.tokens, sizes.queries]).toEqual([20, 20]);
    expect(sizes.shrink()).toBe(true);
    expect([sizes.tokens, sizes.queries]).toEqual([20, 16]);
    expect(sizes.shrink()).toBe(false);
  });
});

describe('withSmallerBatches', () => {
  it('does work again until memory suffices', async () => {
    const sizes = new BatchSizes(1024);
    const tried: number[] = [];
    const work = (): string => {
      tried.push(sizes.tokens);
      if (sizes.tokens > 300) throw new Error(NO_MEMORY);
      return 'done';
    };
    expect(await withSmallerBatches(sizes, work)).toBe('done');
    expect(tried).toEqual([1024, 512, 256]);
    expect(await withSmallerBatches(sizes, () => Promise.resolve(sizes.tokens))).toBe(256);
  });

  it("ends with the backend's error where batches cannot be smaller", async () => {
    let tries = 0;
    const work = (): Promise<never> => {
      tries++;
      return Promise.reject(new Error(NO_MEMORY));
    };
    await expect(withSmallerBatches(new BatchSizes(256), work)).rejects.toThrow(NO_MEMORY);
    expect(tries).toBe(5);
  });

  it('does not repeat work that failed for another reason', async () => {
    let tries = 0;
    const work = (): never => {
      tries++;
      throw new RangeError('a shape does not fit');
    };
    await expect(withSmallerBatches(new BatchSizes(256), work)).rejects.toThrow('a shape does not fit');
    expect(tries).toBe(1);
  });
});

describe('tokenRanges', () => {
  it('covers a segment once, the last batch being what is left', () => {
    expect(tokenRanges(5, 2)).toEqual([
      { from: 0, to: 2 },
      { from: 2, to: 4 },
      { from: 4, to: 5 },
    ]);
    expect(tokenRanges(4, 4)).toEqual([{ from: 0, to: 4 }]);
    expect(tokenRanges(4, 9)).toEqual([{ from: 0, to: 4 }]);
    expect(tokenRanges(0, 9)).toEqual([]);
  });
});

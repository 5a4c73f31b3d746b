import { setTimeout } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { endTrace, span, startTrace } from '../../main/engine/trace.ts';

describe('span', () => {
  it('gives what the work gives, recorded or not', async () => {
    expect(span('run', 'unrecorded', () => 1)).toBe(1);
    startTrace();
    expect(span('run', 'recorded', () => 2)).toBe(2);
    expect(await span('run', 'awaited', () => Promise.resolve(3))).toBe(3);
    expect(endTrace().map(({ name }) => name)).toEqual(['recorded', 'awaited']);
  });

  it('lasts as long as the work, awaited work too, and holds what happens inside', async () => {
    startTrace();
    await span('kernels', 'outer', async () => {
      await setTimeout(5);
      span('tensors', 'inner', () => undefined);
      await setTimeout(5);
    });
    const [inner, outer] = endTrace();
    expect([inner?.lane, inner?.name, outer?.lane, outer?.name]).toEqual([
      'tensors',
      'inner',
      'kernels',
      'outer',
    ]);
    expect(outer?.start).toBeLessThan(inner?.start ?? NaN);
    expect(outer?.end).toBeGreaterThan(inner?.end ?? NaN);
  });

  it('records work that fails', async () => {
    startTrace();
    expect(() =>
      span('run', 'thrown', () => {
        throw new RangeError('a');
      }),
    ).toThrow('a');
    await expect(span('run', 'rejected', () => Promise.reject(new RangeError('b')))).rejects.toThrow('b');
    expect(endTrace().map(({ name }) => name)).toEqual(['thrown', 'rejected']);
  });

  it('forgets once the trace has ended', () => {
    startTrace();
    endTrace();
    span('run', 'later', () => undefined);
    expect(endTrace()).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { forEachSegment } from '../../../main/engine/transformer/segment-loop.ts';

describe('forEachSegment', () => {
  it('gives the event loop its turn between segments', async () => {
    const order: string[] = [];
    const loop = forEachSegment(3, undefined, (segment) => {
      order.push(`segment ${segment}`);
      setImmediate(() => order.push(`after ${segment}`));
    });
    await loop;
    expect(order).toEqual(['segment 0', 'after 0', 'segment 1', 'after 1', 'segment 2', 'after 2']);
  });

  it('stops at the next segment when it is cancelled in between', async () => {
    const abort = new AbortController();
    const done: number[] = [];
    const loop = forEachSegment(5, abort.signal, (segment) => {
      done.push(segment);
      if (segment === 1) setImmediate(() => abort.abort());
    });
    await expect(loop).rejects.toMatchObject({ name: 'ClaqError', code: 'run/cancelled' });
    expect(done).toEqual([0, 1]);
  });

  it('does nothing when it is cancelled before', async () => {
    const loop = forEachSegment(1, AbortSignal.abort(), () => expect.unreachable());
    await expect(loop).rejects.toMatchObject({ code: 'run/cancelled' });
  });
});

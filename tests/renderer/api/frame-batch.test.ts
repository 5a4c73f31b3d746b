import { describe, expect, it } from 'vitest';
import { frameBatch } from '../../../renderer/api/frame-batch.ts';

/** Frames that come when the test says so. */
function testFrames() {
  const waiting = new Set<() => void>();
  return {
    request: (callback: () => void) => {
      waiting.add(callback);
      return () => void waiting.delete(callback);
    },
    get asked() {
      return waiting.size;
    },
    draw() {
      const due = [...waiting];
      waiting.clear();
      for (const callback of due) callback();
    },
  };
}

describe('frameBatch', () => {
  it('delivers what came since the last frame, in order, once', () => {
    const frames = testFrames();
    const delivered: number[][] = [];
    const batch = frameBatch<number>((items) => delivered.push([...items]), frames.request);
    for (let item = 0; item < 60; item++) batch.add(item);
    expect(frames.asked).toBe(1);
    expect(delivered).toEqual([]);
    frames.draw();
    batch.add(60);
    frames.draw();
    frames.draw();
    expect(delivered).toEqual([Array.from({ length: 60 }, (_, item) => item), [60]]);
  });

  it('forgets what waits when it is cleared', () => {
    const frames = testFrames();
    const delivered: number[][] = [];
    const batch = frameBatch<number>((items) => delivered.push([...items]), frames.request);
    batch.add(1);
    batch.clear();
    frames.draw();
    batch.add(2);
    frames.draw();
    expect(delivered).toEqual([[2]]);
  });
});

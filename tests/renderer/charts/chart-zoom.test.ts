import { describe, expect, it } from 'vitest';
import { rangeAfterKey, WHOLE_AXIS } from '../../../renderer/charts/chart-zoom.ts';

describe('rangeAfterKey', () => {
  it.each([
    ['+', { start: 0, end: 100 }, { start: 15, end: 85 }],
    ['=', { start: 0, end: 100 }, { start: 15, end: 85 }],
    ['-', { start: 15, end: 85 }, { start: 0, end: 100 }],
    ['-', { start: 0, end: 70 }, { start: 0, end: 100 }],
    ['ArrowRight', { start: 20, end: 40 }, { start: 24, end: 44 }],
    ['ArrowLeft', { start: 20, end: 40 }, { start: 16, end: 36 }],
    ['ArrowLeft', { start: 2, end: 42 }, { start: 0, end: 40 }],
    ['ArrowRight', { start: 55, end: 95 }, { start: 60, end: 100 }],
    ['0', { start: 55, end: 95 }, WHOLE_AXIS],
  ])('%s on %o is %o', (key, before, after) => {
    const range = rangeAfterKey(key, before);
    expect(range?.start).toBeCloseTo(after.start, 9);
    expect(range?.end).toBeCloseTo(after.end, 9);
  });

  it('does not zoom in beyond a hundredth, and leaves other keys alone', () => {
    const near = rangeAfterKey('+', { start: 50, end: 51 });
    expect(near?.start).toBeCloseTo(50, 9);
    expect(near?.end).toBeCloseTo(51, 9);
    expect(rangeAfterKey('Tab', WHOLE_AXIS)).toBeUndefined();
  });
});

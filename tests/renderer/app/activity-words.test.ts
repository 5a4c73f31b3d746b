import { describe, expect, it } from 'vitest';
import { progressFigures, rateText, timeLeftText } from '../../../renderer/app/activity-words.ts';
import type { Pace } from '../../../shared/runs.ts';

function pace(unit: Pace['progress']['unit'], done: number, total: number, rate: number | null): Pace {
  return {
    progress: { phase: 'x', done, total, unit },
    rate,
    secondsLeft: rate === null ? null : (total - done) / rate,
  };
}

describe('words of an activity', () => {
  it('writes bytes as bytes, counts as whole counts', () => {
    expect(progressFigures(pace('bytes', 1.2e9, 3.1e9, null))).toBe('1.20 GB of 3.10 GB');
    expect(progressFigures(pace('matrices', 73.9, 210, null))).toBe('73 of 210 matrices');
    expect(progressFigures(pace('tokens', 262_144, 1_048_576, null))).toBe('262,144 of 1,048,576 tokens');
  });

  it('writes a rate and the time left once they are known', () => {
    expect(rateText(pace('bytes', 0, 100, 12_345_678))).toBe('12.3 MB/s');
    expect(rateText(pace('tokens', 0, 100_000, 2048.4))).toBe('2,048 tokens/s');
    expect(rateText(pace('matrices', 0, 210, 0.5))).toBe('0.50 matrices/s');
    expect(timeLeftText(pace('matrices', 0, 210, 1))).toBe('3 min 30 s left');
    expect(rateText(pace('matrices', 0, 210, null))).toBeNull();
    expect(timeLeftText(pace('matrices', 0, 210, null))).toBeNull();
  });
});

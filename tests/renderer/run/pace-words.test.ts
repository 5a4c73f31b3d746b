import { describe, expect, it } from 'vitest';
import { countDone, paceSummary, percentDone, rateText, timeLeft } from '../../../renderer/run/pace-words.ts';
import type { Pace } from '../../../shared/runs.ts';

function pace(part: Partial<Pace> = {}, progress: Partial<Pace['progress']> = {}): Pace {
  return {
    progress: { phase: 'Quantizing', done: 86016, total: 245760, unit: 'tokens', ...progress },
    rate: 5210.4,
    secondsLeft: 185.2,
    ...part,
  };
}

describe('a pace in words', () => {
  it('says share, count, rate and time left', () => {
    expect(percentDone(pace().progress)).toBe('35.0 %');
    expect(countDone(pace().progress)).toBe('86,016 of 245,760 tokens');
    expect(rateText(pace())).toBe('5,210 tokens/s');
    expect(timeLeft(pace())).toBe('about 3 min 05 s');
    expect(paceSummary(pace())).toBe('35.0 %, about 3 min 05 s left');
  });

  it('says nothing of a rate that is not known', () => {
    const early = pace({ rate: null, secondsLeft: null });
    expect(rateText(early)).toBeNull();
    expect(timeLeft(early)).toBeNull();
    expect(paceSummary(early)).toBe('35.0 %');
  });

  it('counts bytes as bytes', () => {
    const bytes = pace({ rate: 12_345_678 }, { unit: 'bytes', done: 1_200_000, total: 3_400_000 });
    expect(countDone(bytes.progress)).toBe('1.20 MB of 3.40 MB');
    expect(rateText(bytes)).toBe('12.3 MB/s');
  });

  it('is done only when all is done', () => {
    expect(percentDone(pace({}, { done: 245759 }).progress)).toBe('99.9 %');
    expect(percentDone(pace({}, { done: 245760 }).progress)).toBe('100 %');
    expect(percentDone(pace({}, { done: 0, total: 0 }).progress)).toBe('0 %');
  });

  it('does not count the last seconds', () => {
    expect(timeLeft(pace({ secondsLeft: 4.9 }))).toBe('a few seconds');
    expect(timeLeft(pace({ secondsLeft: 5 }))).toBe('about 5 s');
  });

  it('keeps three figures of a slow rate', () => {
    expect(rateText(pace({ rate: 0.5123 }, { unit: 'matrices' }))).toBe('0.51 matrices/s');
  });
});

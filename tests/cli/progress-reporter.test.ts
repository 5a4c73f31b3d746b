import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { plainReporter } from '../../main/cli/progress-reporter.ts';
import { liveLine, progressBar, progressPace } from '../../main/cli/progress-line.ts';
import { workRate } from '../../shared/work-rate.ts';
import type { Progress } from '../../shared/progress.ts';

const at = (done: number, total = 100): Progress => ({ phase: 'Packing', done, total, unit: 'matrices' });

describe('plainReporter', () => {
  it('writes a line at the start, at the end, and between them only after five seconds and a tenth of the work', () => {
    const lines: string[] = [];
    let now = 0;
    const reporter = plainReporter(
      (line) => lines.push(line),
      () => now,
    );
    for (const [seconds, done] of [
      [0, 0],
      [2, 20],
      [5, 25],
      [11, 30],
      [12, 36],
      [72, 37],
      [80, 100],
      [81, 100],
    ] as const) {
      now = seconds;
      reporter.report(at(done));
    }
    expect(lines.map((line) => line.replace(/, .*/, ''))).toEqual([
      'Packing: 0 of 100 matrices',
      'Packing: 25 of 100 matrices',
      'Packing: 36 of 100 matrices',
      'Packing: 37 of 100 matrices',
      'Packing: 100 of 100 matrices in 1 min 20 s',
    ]);
    expect(lines[1]).toMatch(/^Packing: 25 of 100 matrices, \d\.\d\d matrices\/s, \d+ s left$/);
  });

  it('begins anew with each phase', () => {
    const lines: string[] = [];
    const reporter = plainReporter(
      (line) => lines.push(line),
      () => 0,
    );
    reporter.report(at(0));
    reporter.report({ phase: 'Checking', done: 0, total: 2_500_000, unit: 'bytes' });
    expect(lines).toEqual(['Packing: 0 of 100 matrices', 'Checking: 0 bytes of 2.50 MB']);
  });
});

describe('workRate', () => {
  it('is exact for steady work, from the first step on', () => {
    const rate = workRate(100);
    expect(rate.perSecond()).toBeUndefined();
    for (let second = 1; second <= 50; second++) {
      rate.record(second * 4, 100 + second);
      expect(rate.perSecond()).toBeCloseTo(4, 10);
    }
  });

  it('forgets a fast start', () => {
    const rate = workRate(0);
    rate.record(1000, 1);
    for (let second = 2; second <= 200; second++) rate.record(1000 + second, second);
    expect(rate.perSecond()).toBeCloseTo(1, 2);
  });
});

describe('the line of progress', () => {
  it('fills a bar', () => {
    expect(progressBar(at(0))).toBe('─'.repeat(24));
    expect(progressBar(at(50))).toBe('━'.repeat(12) + '─'.repeat(12));
    expect(progressBar(at(0, 0))).toBe('━'.repeat(24));
  });

  it('tells rate and time left in the unit', () => {
    expect(progressPace(at(40), 12)).toBe('12.0 matrices/s, 5 s left');
    expect(progressPace({ ...at(0, 6e9), unit: 'bytes' }, 5e7)).toBe('50.0 MB/s, 2 min 00 s left');
    expect(progressPace(at(40), undefined)).toBe('');
    expect(progressPace(at(100), 12)).toBe('');
  });

  it('leaves out what does not fit on a narrow terminal', () => {
    const line = (columns: number) =>
      stripVTControlCharacters(liveLine({ ...at(50), detail: 'layer 3' }, 10, columns));
    const bar = '━'.repeat(12) + '─'.repeat(12);
    const whole = `Packing  ${bar}  50 of 100 matrices  10.0 matrices/s, 5 s left  layer 3`;
    expect(line(whole.length + 1)).toBe(whole);
    expect(line(whole.length)).toBe(`Packing  ${bar}  50 of 100 matrices  10.0 matrices/s, 5 s left`);
    expect(line(40)).toBe(`Packing  ${bar}`);
    expect(line(5)).toBe('Packing');
  });
});

import { describe, expect, it } from 'vitest';
import { historyOf, redone, stepped, undone } from '../../../renderer/budget/draft-history.ts';

const same = (a: number, b: number): boolean => a === b;

describe('the history of a draft', () => {
  it('goes back and forth', () => {
    const three = stepped(stepped(historyOf(1), 2, same), 3, same);
    expect(undone(undone(three))).toEqual({ past: [], present: 1, future: [2, 3] });
    expect(redone(undone(undone(three)))).toEqual({ past: [1], present: 2, future: [3] });
    expect(undone(historyOf(1))).toEqual(historyOf(1));
    expect(redone(three)).toEqual(three);
  });

  it('forgets what was taken back at the next step', () => {
    const again = stepped(undone(stepped(historyOf(1), 2, same)), 5, same);
    expect(again).toEqual({ past: [1], present: 5, future: [] });
  });

  it('takes no step to where it is', () => {
    const back = undone(stepped(historyOf(1), 2, same));
    expect(stepped(back, 1, same)).toBe(back);
  });

  it('keeps the last 200 steps', () => {
    let history = historyOf(0);
    for (let step = 1; step <= 250; step++) history = stepped(history, step, same);
    expect(history.past).toHaveLength(200);
    expect(history.past[0]).toBe(50);
  });
});

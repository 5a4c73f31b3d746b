import { describe, expect, it } from 'vitest';
import { SAME_PRESS_SECONDS, signalMeanings } from '../../main/cli/stop-signals.ts';

describe('signalMeanings', () => {
  it('takes what follows the first signal at once for the same press', () => {
    const meaning = signalMeanings();
    const first = 100;
    expect([first, first + 0.003, first + SAME_PRESS_SECONDS - 0.01].map(meaning)).toEqual([
      'stop',
      'same-press',
      'same-press',
    ]);
  });

  it('quits on a signal after that', () => {
    const meaning = signalMeanings();
    const first = 100;
    expect([first, first + 0.003, first + SAME_PRESS_SECONDS, first + 60].map(meaning)).toEqual([
      'stop',
      'same-press',
      'quit',
      'quit',
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { isDisturbed, otherCores, processorTime } from '../../../main/service/preflight/other-work.ts';

describe('the cores of other programs', () => {
  it('are those that were busy, less those of this process', () => {
    const before = { at: 100, busy: 5000, own: 30 };
    expect(otherCores(before, { at: 104, busy: 5012, own: 36 })).toBe(1.5);
    expect(otherCores(before, { at: 104, busy: 5006, own: 36 })).toBe(0);
    // Ticks of the two clocks do not fall together.
    expect(otherCores(before, { at: 104, busy: 5005.99, own: 36 })).toBe(0);
    // A system that says nothing of its cores.
    expect(otherCores({ at: 1, busy: 0, own: 1 }, { at: 3, busy: 0, own: 2 })).toBe(0);
  });

  it('are read from the system in seconds', () => {
    const before = processorTime();
    while (performance.now() / 1000 < before.at + 0.05);
    const after = processorTime();
    expect(after.own - before.own).toBeGreaterThan(0);
    expect(after.own - before.own).toBeLessThan(5);
    expect(after.busy).toBeGreaterThanOrEqual(before.busy);
  });

  it('disturb from half a core on', () => {
    expect([0, 0.49, 0.5, 3].map(isDisturbed)).toEqual([false, false, true, true]);
  });
});

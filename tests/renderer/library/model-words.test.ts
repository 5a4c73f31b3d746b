import { describe, expect, it } from 'vitest';
import { addWayOf } from '../../../renderer/library/add-ways.ts';
import { removalText, runsText, sourceText } from '../../../renderer/library/model-words.ts';

describe('words of a model', () => {
  it('counts its runs', () => {
    expect(runsText({ complete: 0, open: 0 })).toBe('No runs yet');
    expect(runsText({ complete: 1, open: 0 })).toBe('1 run');
    expect(runsText({ complete: 3, open: 2 })).toBe('5 runs, 2 not complete');
  });

  it('says what a removal takes along', () => {
    expect(removalText({ complete: 0, open: 0 })).toBe('Its files stay where they are.');
    expect(removalText({ complete: 0, open: 1 })).toMatch(/^The entry of its run goes with it\. Files stay/);
    expect(removalText({ complete: 2, open: 1 })).toMatch(
      /^The entries of its 3 runs go with it\. Files stay/,
    );
  });

  it('says where it came from', () => {
    const commit = '7e27bd9f95328f0f3b08261d1252705110c806f8';
    expect(sourceText({ kind: 'hub', repository: 'Qwen/Qwen3-0.6B', commit })).toBe(
      'Qwen/Qwen3-0.6B at 7e27bd9',
    );
    expect(sourceText({ kind: 'demo' })).toBe('Comes with the program');
  });

  it('reads the way of adding from an address', () => {
    expect([addWayOf('hub'), addWayOf('usb'), addWayOf(undefined), addWayOf(['hub'])]).toEqual([
      'hub',
      undefined,
      undefined,
      undefined,
    ]);
  });
});

import { describe, expect, it } from 'vitest';
import { shortcutReader } from '../../../renderer/app/shortcuts.ts';

const KNOWN = ['?', '/', 'g l', 'g r'];

describe('shortcutReader', () => {
  it('knows single keys and sequences', () => {
    const read = shortcutReader(KNOWN);
    expect(read('?', 0)).toBe('?');
    expect(read('g', 100)).toBeUndefined();
    expect(read('r', 200)).toBe('g r');
    expect(read('r', 300)).toBeUndefined();
  });

  it('begins anew after a pause, and with a key that leads nowhere', () => {
    const read = shortcutReader(KNOWN);
    expect(read('g', 0)).toBeUndefined();
    expect(read('l', 2000)).toBeUndefined();
    expect(read('g', 3000)).toBeUndefined();
    expect(read('g', 3100)).toBeUndefined();
    expect(read('l', 3200)).toBe('g l');
    expect(read('g', 3300)).toBeUndefined();
    expect(read('?', 3400)).toBe('?');
  });
});
